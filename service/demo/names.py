"""Everything the demonstration county is called. All of it is invented."""

from dataclasses import dataclass

PREFECTURE = "青禾州"


@dataclass(frozen=True)
class School:
    """A school, its rooms (those that can lead first) and how many teachers it has."""

    name: str
    lead_rooms: tuple[str, ...]
    rooms: tuple[str, ...]
    grades: tuple[int, ...]
    teachers: int


_PRIMARY = (1, 2, 3, 4, 5, 6)
_SMALL = (1, 2, 3)

COUNTIES: dict[str, tuple[School, ...]] = {
    "云岭县": (
        School(
            "云岭县实验小学",
            ("录播教室一", "录播教室二"),
            ("三年级（1）班教室", "五年级（2）班教室"),
            _PRIMARY,
            7,
        ),
        School(
            "云岭县第二中学",
            ("精品录播教室", "理化实验录播室"),
            ("七年级（1）班教室", "八年级（3）班教室"),
            (7, 8, 9),
            6,
        ),
        School("松坪乡中心小学", ("录播教室",), ("多媒体教室一", "多媒体教室二"), _PRIMARY, 5),
        School("石桥村小学", (), ("多媒体教室一", "多媒体教室二"), _PRIMARY, 3),
        School("望云村小学", (), ("多媒体教室",), _SMALL, 2),
        School("杏花教学点", (), ("专递课堂教室",), _SMALL, 2),
    ),
    "溪川县": (
        School(
            "溪川县第一小学",
            ("录播教室一", "录播教室二"),
            ("二年级（1）班教室", "四年级（3）班教室"),
            _PRIMARY,
            6,
        ),
        School(
            "溪川县初级中学",
            ("精品录播教室", "音乐录播教室"),
            ("七年级（2）班教室", "九年级（1）班教室"),
            (7, 8, 9),
            6,
        ),
        School("柳湾镇中心小学", ("录播教室",), ("多媒体教室一", "多媒体教室二"), _PRIMARY, 5),
        School("古渡村小学", (), ("多媒体教室一", "多媒体教室二"), _PRIMARY, 3),
        School("白鹭村小学", (), ("多媒体教室",), _SMALL, 2),
        School("梨园教学点", (), ("专递课堂教室",), _SMALL, 2),
    ),
}

LIVE_SCHOOL, LIVE_ROOM = "云岭县实验小学", "录播教室一"
LIVE_RECEIVERS = (("石桥村小学", "多媒体教室一"), ("望云村小学", "多媒体教室"), ("杏花教学点", "专递课堂教室"))
LIVE_PICTURE_NAMES = ("YUNLING SHIYAN", "SHIQIAO", "WANGYUN", "XINGHUA")
"""Lead room first; burnt into the pictures, whose letters are Latin."""
LIVE_TITLE = "科学：水的蒸发到哪里去了"
LIVE_SUBJECT, LIVE_GRADE = "science", "grade_3"

_FAMILY_NAMES = "陈林周吴郑孙马杨何罗高梁宋唐许韩冯邓曹彭曾萧田董袁潘蒋蔡余杜叶程苏魏吕丁任沈姚卢"
_GIVEN_NAMES = "雨晴建国思远秀兰志强晓梅文博海燕明辉丽华子涵春燕俊杰玉珍立新雪梅国栋慧敏天佑红霞浩然桂英"
"""Two characters each."""


def person_name(number: int) -> str:
    """The `number`-th invented name; the first several hundred differ."""
    given = number * 14 % len(_GIVEN_NAMES)
    return _FAMILY_NAMES[number % len(_FAMILY_NAMES)] + _GIVEN_NAMES[given : given + 2]


BELLS = (
    ("08:30", "09:10"),
    ("09:20", "10:00"),
    ("10:20", "11:00"),
    ("11:10", "11:50"),
    ("14:00", "14:40"),
    ("14:50", "15:30"),
    ("15:50", "16:30"),
    ("16:40", "17:20"),
)

OWN_BELLS = {
    "溪川县": (
        ("08:20", "09:00"),
        ("09:10", "09:50"),
        ("10:15", "10:55"),
        ("11:05", "11:45"),
        ("14:20", "15:00"),
        ("15:10", "15:50"),
        ("16:05", "16:45"),
    )
}
"""Bells that differ from the prefecture's: the two counties do not ring together."""
