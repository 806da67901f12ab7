"""The importable tables: which columns each has, in Chinese, in English and as OneRoster 1.1/1.2 CSV names them."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from service.exchange.columns import Choices, Column, SheetKind, header_key
from service.exchange.moments import day, time_of_day
from service.exchange.values import number, one_of, text, username, whole_number, yes_or_no
from service.exchange.weekly_times import MOST_PERIOD, WEEKDAYS, times, weekday
from service.organisation.curriculum import GRADES, SUBJECTS

YES_NO: Choices = MappingProxyType({"yes": {"zh": "是", "en": "yes"}, "no": {"zh": "否", "en": "no"}})
CONSENTS: Choices = MappingProxyType(
    {
        "granted": {"zh": "同意", "en": "granted"},
        "refused": {"zh": "不同意", "en": "refused"},
        "unknown": {"zh": "未知", "en": "unknown"},
    }
)
SERIES_KINDS: Choices = MappingProxyType(
    {"fixed": {"zh": "固定", "en": "fixed"}, "dedicated": {"zh": "专递", "en": "dedicated"}}
)
TEACHER_ROLE: Choices = MappingProxyType({"teacher": {"zh": "教师", "en": "teacher"}})
ACTIVE: Choices = MappingProxyType({"active": {"zh": "有效", "en": "active"}})
DAY_RUNS: Choices = MappingProxyType({"off": {"zh": "放假", "en": "off"}, **WEEKDAYS})
DAY_RUNS_SYNONYMS = {
    "休息": "off",
    "停课": "off",
    "holiday": "off",
    **{f"星期{d}": str(n) for n, d in enumerate("一二三四五六日")},
}
ODD_EVEN: Choices = MappingProxyType({"odd": {"zh": "单周", "en": "odd"}, "even": {"zh": "双周", "en": "even"}})
FREE: Mapping[str, str] = MappingProxyType({"zh": "空闲", "en": "free"})
BUSY: Mapping[str, str] = MappingProxyType({"zh": "占用", "en": "busy"})
HOURS: Choices = MappingProxyType({"free": FREE, "busy": BUSY, **SUBJECTS})

# OneRoster writes grades as CEDS does: 01 to 12.
_GRADE_CODES = [*GRADES]
GRADE_SYNONYMS = {
    **{f"{n:02}": _GRADE_CODES[n - 1] for n in range(1, 13)},
    **{str(n): _GRADE_CODES[n - 1] for n in range(1, 13)},
    **{f"{n}年级": _GRADE_CODES[n - 1] for n in range(1, 10)},
    **{f"初{short}": f"grade_{n}" for short, n in (("一", 7), ("二", 8), ("三", 9), ("1", 7), ("2", 8), ("3", 9))},
    **{f"高中{short}年级": f"senior_{n}" for n, short in enumerate("一二三", 1)},
    **{f"高{n}": f"senior_{n}" for n in range(1, 4)},
}
SUBJECT_SYNONYMS = {
    "数": "mathematics", "语": "chinese", "英": "english", "道法": "morality_and_law", "品德": "morality_and_law",
    "思品": "morality_and_law", "体育": "physical_health", "信息": "information", "信息技术": "information",
    "生物": "biology", "政治": "politics", "综合实践": "practice", "math": "mathematics", "maths": "mathematics",
    "art": "art", "pe": "physical_health", "it": "information",
}  # fmt: skip
HOUR_SYNONYMS = {
    **SUBJECT_SYNONYMS, "空": "free", "无课": "free", "自由": "free", "可用": "free", "忙": "busy", "有课": "busy",
    "不可用": "busy", "x": "busy",
}  # fmt: skip

_grade = one_of(GRADES, GRADE_SYNONYMS)
_subject = one_of(SUBJECTS, SUBJECT_SYNONYMS)

STATUS = Column(
    "status", "记录状态", "status", one_of(ACTIVE, {"": "active"}), synonyms=(), choices=ACTIVE, in_template=False
)
COUNTY = Column(
    "county",
    "县（市、区）",
    "county",
    text(120),
    "云岭县",
    synonyms=(
        "县",
        "县区",
        "区县",
        "县市",
        "县(区)",
        "所属县",
        "上级机构",
        "parentName",
        "parentSourcedId",
        "district",
    ),
    hint_zh="学校的上级机构；名称不会混淆时可以不填",
    hint_en="The organisation above the school; may be left out where the school's name is unique",
)
SCHOOL_CODE = Column(
    "school_code",
    "学校代码",
    "schoolSourcedId",
    text(60),
    "6229010011",
    synonyms=(
        "学校标识码",
        "学校编号",
        "学校编码",
        "orgSourcedId",
        "orgSourcedIds",
        "schoolCode",
        "primaryOrgSourcedId",
    ),
    hint_zh="学校（机构）标识码；填了就按它认学校",
    hint_en="The school's official code; where given, it decides which school is meant",
)
SCHOOL = Column(
    "school",
    "学校",
    "school",
    text(120),
    "云岭县实验小学",
    synonyms=("学校名称", "所在学校", "校名", "schoolName", "orgName"),
    hint_zh="学校名称；已填学校代码时可以不填",
    hint_en="The school's name; may be left out where its code is given",
)
_SCHOOL = (COUNTY, SCHOOL_CODE, SCHOOL)
GRADE = Column(
    "grade",
    "年级",
    "grade",
    _grade,
    "三年级",
    required=True,
    synonyms=("grades", "所在年级"),
    choices=GRADES,
    hint_zh="如 三年级、3、03、高一",
    hint_en="Such as Grade 3, 3, 03, Senior 1",
)
CLASS = Column(
    "class",
    "班级",
    "class",
    text(60),
    "三年级（1）班",
    required=True,
    synonyms=("班级名称", "班名", "title", "className", "classTitle", "班"),
    width=18,
)
SUBJECT = Column(
    "subject",
    "学科",
    "subject",
    _subject,
    "英语",
    required=True,
    synonyms=("科目", "课程", "subjects", "subjectCode"),
    choices=SUBJECTS,
)
EDITION = Column("edition", "教材版本", "edition", text(60), "人教版", synonyms=("版本", "教材", "textbook"), width=14)

SCHOOLS = SheetKind(
    "schools",
    "学校",
    "schools",
    (
        Column(
            "code",
            "学校代码",
            "sourcedId",
            text(60),
            "6229010011",
            synonyms=(
                "学校标识码",
                "学校编号",
                "学校编码",
                "机构代码",
                "identifier",
                "code",
                "school_code",
                "schoolSourcedId",
            ),
            hint_zh="学校（机构）标识码；再次导入时按它认学校，改名也不会弄错",
            hint_en="The school's official code: a later import finds the school by it, also under a new name",
        ),
        Column(
            "name",
            "学校名称",
            "name",
            text(120),
            "云岭县实验小学",
            required=True,
            synonyms=("学校", "校名", "机构名称", "名称", "schoolName"),
            width=24,
        ),
        COUNTY,
        Column(
            "kits",
            "可同时接收教室数",
            "receivingKits",
            whole_number(0, 1000),
            2,
            synonyms=("接收教室数", "接收设备套数", "receiving_kits"),
            hint_zh="能同时听课的教室数；不填按教室总数算",
            hint_en="Rooms that can receive at once; all its rooms if left out",
        ),
        Column(
            "down_mbps",
            "下行带宽（Mbit/s）",
            "downMbps",
            number(0, 100_000),
            20,
            synonyms=("下行带宽", "下行带宽(Mbps)", "下行", "下载带宽"),
            hint_zh="可用于课堂的下行带宽；不填按 100 算",
            hint_en="Usable downlink; 100 if left out",
        ),
        Column(
            "up_mbps",
            "上行带宽（Mbit/s）",
            "upMbps",
            number(0, 100_000),
            20,
            synonyms=("上行带宽", "上行带宽(Mbps)", "上行", "上传带宽"),
            hint_zh="可用于课堂的上行带宽；不填按 100 算",
            hint_en="Usable uplink; 100 if left out",
        ),
        Column("relay", "转发节点", "relay", text(60), "", synonyms=("节点", "relayNode")),
        Column("type", "机构类型", "type", one_of({"school": {"zh": "学校", "en": "school"}}), in_template=False),
        STATUS,
    ),
    ("学校信息", "学校表", "orgs", "school"),
)
ROOMS = SheetKind(
    "rooms",
    "教室",
    "rooms",
    (
        *_SCHOOL,
        Column(
            "name",
            "教室名称",
            "room",
            text(60),
            "录播教室一",
            required=True,
            synonyms=("教室", "教室名", "名称", "title", "roomName", "name"),
            width=20,
        ),
        Column(
            "can_lead",
            "可主讲",
            "canLead",
            yes_or_no,
            "是",
            synonyms=("是否可主讲", "能主讲", "主讲教室", "是否主讲教室", "录播教室"),
            choices=YES_NO,
            hint_zh="装有录播设备、能作主讲教室的填“是”；不填为“否”",
            hint_en="yes for rooms that can lead lessons; no if left out",
        ),
        Column(
            "recording_consent",
            "录制许可",
            "recordingConsent",
            one_of(CONSENTS, {"是": "granted", "否": "refused", "已同意": "granted"}),
            "同意",
            synonyms=("录像许可", "同意录制", "是否同意录制"),
            choices=CONSENTS,
        ),
        STATUS,
    ),
    ("教室信息", "教室表", "room", "locations"),
)
TEACHERS = SheetKind(
    "teachers",
    "教师",
    "teachers",
    (
        *_SCHOOL,
        Column(
            "staff_number",
            "工号",
            "identifier",
            text(60),
            "T0001",
            synonyms=("教职工号", "教师工号", "教师编号", "职工号", "staffNumber", "sourcedId", "userSourcedId"),
            hint_zh="再次导入时按工号或用户名认人；两者至少填一个",
            hint_en="A later import finds the person by this or by the username; one of the two is needed",
        ),
        Column(
            "username",
            "用户名",
            "username",
            username,
            "chenlaoshi",
            synonyms=("登录名", "账号", "帐号", "userName", "user"),
            hint_zh="登录用；不填就用工号",
            hint_en="For signing in; the staff number if left out",
        ),
        Column(
            "name",
            "姓名",
            "name",
            text(60),
            "陈雨晴",
            synonyms=("教师姓名", "教师", "名字", "displayName", "fullName", "preferredName"),
        ),
        Column(
            "weekly_limit",
            "每周主讲上限",
            "weeklyLimit",
            whole_number(0, 40),
            4,
            synonyms=("周主讲上限", "每周最多主讲", "主讲节数上限"),
            hint_zh="每周最多给外校主讲几节；不填按 4 节算",
            hint_en="Lessons a week led for other schools at most; 4 if left out",
        ),
        Column("family_name", "姓", "familyName", text(30), in_template=False, synonyms=("lastName",)),
        Column("given_name", "名", "givenName", text(30), in_template=False, synonyms=("firstName",)),
        Column(
            "role", "角色", "role", one_of(TEACHER_ROLE), in_template=False, synonyms=("roles",), choices=TEACHER_ROLE
        ),
        STATUS,
    ),
    ("教师信息", "教师表", "users", "teacher", "人员"),
)
CLASSES = SheetKind(
    "classes",
    "班级",
    "classes",
    (*_SCHOOL, GRADE, CLASS, STATUS),
    ("班级信息", "班级表", "class"),
)
TIMETABLES = SheetKind(
    "timetables",
    "课表",
    "timetables",
    (
        *_SCHOOL,
        GRADE,
        CLASS,
        Column(
            "weekday",
            "星期",
            "weekday",
            weekday,
            "周一",
            required=True,
            synonyms=("周几", "星期几", "day"),
            choices=WEEKDAYS,
        ),
        *(
            Column(
                f"period_{n}",
                f"第{n}节",
                f"period{n}",
                one_of(HOURS, HOUR_SYNONYMS),
                {1: "语文", 2: "数学", 3: "空闲", 4: "占用"}.get(n, "空闲" if n == 6 else ""),
                synonyms=(f"第{'一二三四五六七八九十'[n - 1]}节" if n <= 10 else f"{n}节", f"{n}", f"p{n}"),
                choices=HOURS,
                in_template=n <= 8,
                width=10,
                hint_zh="空闲、占用，或所上学科；留空等于没有说明（按占用处理）",
                hint_en="free, busy or the subject taught; an empty cell says nothing (busy)",
            )
            for n in range(1, MOST_PERIOD + 1)
        ),
        STATUS,
    ),
    ("班级课表", "课程表", "timetable", "空闲节次"),
)
SERIES = SheetKind(
    "series",
    "主讲课",
    "leadSeries",
    (
        *_SCHOOL,
        Column(
            "code",
            "主讲课编号",
            "code",
            text(60),
            "YL-EN-3",
            required=True,
            synonyms=("编号", "课程编号", "seriesCode", "courseCode", "sourcedId"),
            hint_zh="本校内不重复；再次导入时按它认",
            hint_en="Unique within the school: a later import finds the series by it",
        ),
        Column("kind", "类别", "kind", one_of(SERIES_KINDS, {"同步": "fixed", "专递课堂": "dedicated"}), "固定",
               choices=SERIES_KINDS, synonyms=("课型", "主讲课类别"),
               hint_zh="固定：老师自己班上的课，时间都上；专递：从可用时间里选几节",
               hint_en="fixed: the teacher's own class, all its times; dedicated: some of the possible times"),
        Column("teacher", "主讲教师", "teacher", text(64), "chenlaoshi", required=True,
               synonyms=("教师", "主讲老师", "teacherSourcedId", "主讲教师用户名", "主讲教师工号"),
               hint_zh="用户名、工号，或本校内不重名的姓名",
               hint_en="Username, staff number, or a name unique in the school"),
        Column("room", "主讲教室", "room", text(60), "录播教室一", required=True,
               synonyms=("教室", "leadRoom", "location")),
        SUBJECT,
        GRADE,
        Column("class", "班级", "class", text(60), "三年级（1）班", synonyms=("主讲班级", "班级名称", "className"),
               hint_zh="坐在主讲教室里的班；没有就不填", hint_en="The class in front of the teacher, if any"),
        EDITION,
        Column("seats", "接收教室数上限", "seats", whole_number(1, 1000), 3, synonyms=("接收上限", "名额", "席位"),
               hint_zh="每节课最多几间接收教室；不填为 3", hint_en="Receiving rooms in each lesson; 3 if left out"),
        Column("times", "上课时间", "times", times, "周一第3节；周三第3节", required=True,
               synonyms=("时间", "节次", "可用时间", "schedule"), width=26,
               hint_zh="用分号隔开，如 周一第3节；周三第3节（单周）", hint_en="Separated by ;  e.g. Mon 3; Wed 3 odd"),
        Column("lessons", "每周节数", "lessons", whole_number(1, 40), 2,
               synonyms=("周节数", "周课时", "lessonsPerWeek"),
               hint_zh="每周上几节；不填为上课时间的个数",
               hint_en="Lessons a week; as many as there are times if left out"),
        Column("active", "启用", "active", yes_or_no, "是", choices=YES_NO, synonyms=("是否启用",)),
        STATUS,
    ),
    ("主讲课程", "主讲系列", "lead_series", "lead series", "courses"),
)  # fmt: skip
DEMANDS = SheetKind(
    "demands",
    "需求",
    "demands",
    (
        *_SCHOOL,
        GRADE,
        CLASS,
        SUBJECT,
        Column("lessons", "每周节数", "lessons", whole_number(1, 40), 2, required=True,
               synonyms=("周节数", "周课时", "需求节数", "lessonsPerWeek")),
        Column("lesson_grade", "授课年级", "lessonGrade", _grade, "", choices=GRADES, synonyms=("所需年级",),
               hint_zh="复式班等要上别的年级的课时填；不填为本班年级", hint_en="Where it is not the class's own grade"),
        EDITION,
        Column("room", "听课教室", "room", text(60), "", synonyms=("接收教室", "教室", "location"),
               hint_zh="不填由系统安排", hint_en="Chosen by the plan if left out"),
        Column("teacher", "辅助教师", "accompanyingTeacher", text(64), "", synonyms=("在地教师", "teacher"),
               hint_zh="用户名、工号，或本校内不重名的姓名",
               hint_en="Username, staff number, or a name unique in the school"),
        Column("last_lead", "上学期主讲教师", "lastLead", text(64), "", synonyms=("原主讲教师",),
               hint_zh="用户名或工号；排课时尽量保持", hint_en="Username or staff number; kept if possible"),
        STATUS,
    ),
    ("听课需求", "课程需求", "demand", "缺课需求"),
)  # fmt: skip
PACTS = SheetKind(
    "pacts",
    "结对",
    "pacts",
    (
        *_SCHOOL,
        Column("other_county", "结对学校所在县", "otherCounty", text(120), "云岭县", synonyms=("对方县",)),
        Column("other_code", "结对学校代码", "otherSchoolSourcedId", text(60), "", synonyms=("对方学校代码",)),
        Column("other_school", "结对学校", "otherSchool", text(120), "石桥村小学",
               synonyms=("对方学校", "帮扶学校"), width=20),
        Column("name", "结对名称", "name", text(60), "城乡结对一组", synonyms=("名称", "协议名称", "title")),
        STATUS,
    ),
    ("结对关系", "结对学校", "pact"),
)  # fmt: skip

_PLACE = tuple(replace(column, required=False) for column in _SCHOOL)
BELLS = SheetKind(
    "bells",
    "作息",
    "bells",
    (
        *_PLACE,
        Column("from_day", "起始日期", "fromDay", day, "", synonyms=("从哪天起", "季节起始"),
               hint_zh="冬令、夏令等从某天起的作息才填；学校不填就是全县的作息",
               hint_en="For bells that ring from a day on; without a school they are the whole county's"),
        Column("number", "第几节", "period", whole_number(1, MOST_PERIOD), 1, required=True, synonyms=("节次序号",)),
        Column("starts", "上课时刻", "starts", time_of_day, "08:30", required=True, synonyms=("开始", "开始时间")),
        Column("ends", "下课时刻", "ends", time_of_day, "09:10", required=True, synonyms=("结束", "结束时间")),
        STATUS,
    ),
    ("作息时间", "作息表", "periods"),
)  # fmt: skip
TERMS = SheetKind(
    "terms",
    "学期",
    "terms",
    (
        *_PLACE,
        Column("name", "学期名称", "term", text(60), "2026 秋季学期", required=True,
               synonyms=("termName", "termTitle"), width=20),
        Column("starts_on", "开学日期", "startDate", day, "2026-09-01", required=True, synonyms=("学期开始",)),
        Column("ends_on", "结束日期", "endDate", day, "2027-01-20", required=True, synonyms=("学期结束", "放假日期")),
        STATUS,
    ),
    ("学期信息", "academicSessions"),
)  # fmt: skip
SPECIAL_DAYS = SheetKind(
    "special_days",
    "校历",
    "specialDays",
    (
        *_PLACE,
        Column("day", "日期", "date", day, "2026-10-01", required=True),
        Column("runs", "安排", "runs", one_of(DAY_RUNS, DAY_RUNS_SYNONYMS), "放假", required=True,
               synonyms=("上哪天的课", "补课"), choices=DAY_RUNS,
               hint_zh="放假，或补哪一天的课（周一到周日）", hint_en="off, or the weekday whose timetable runs"),
        Column("weeks", "单双周", "weeks", one_of(ODD_EVEN), "", choices=ODD_EVEN,
               hint_zh="补单周或双周的课时填", hint_en="Where an odd or even week's timetable runs"),
        Column("name", "说明", "name", text(60), "国庆节", synonyms=("名称", "title")),
        STATUS,
    ),
    ("放假调休", "调休", "holidays"),
)  # fmt: skip

SHEETS: tuple[SheetKind, ...] = (
    SCHOOLS,
    BELLS,
    TERMS,
    SPECIAL_DAYS,
    ROOMS,
    TEACHERS,
    CLASSES,
    TIMETABLES,
    SERIES,
    DEMANDS,
    PACTS,
)
"""In the order they build on each other."""
BY_KIND: Mapping[str, SheetKind] = MappingProxyType({sheet.kind: sheet for sheet in SHEETS})

ONEROSTER_IGNORED = frozenset(
    header_key(name)
    for name in (
        "dateLastModified", "enabledUser", "email", "sms", "phone", "agentSourcedIds", "middleName", "userIds",
        "parentSourcedId", "courseSourcedId", "classCode", "classType", "termSourcedIds", "periods", "subjectCodes",
        "metadata", "userMasterIdentifier", "preferredFirstName", "preferredLastName", "resourceSourcedIds",
    )
)  # fmt: skip
"""Columns of OneRoster files that say nothing we keep: passed over without a word."""
