"""Subjects and grades of the national curriculum for compulsory education and senior secondary school.

Codes are stable and stored; names are shown. Source: 义务教育课程方案 (2022), 普通高中课程方案 (2017, revised 2020).
"""

SUBJECTS: dict[str, dict[str, str]] = {
    "chinese": {"zh": "语文", "en": "Chinese"},
    "mathematics": {"zh": "数学", "en": "Mathematics"},
    "english": {"zh": "英语", "en": "English"},
    "morality_and_law": {"zh": "道德与法治", "en": "Morality and law"},
    "science": {"zh": "科学", "en": "Science"},
    "music": {"zh": "音乐", "en": "Music"},
    "art": {"zh": "美术", "en": "Fine art"},
    "physical_health": {"zh": "体育与健康", "en": "Physical education"},
    "information": {"zh": "信息科技", "en": "Information technology"},
    "labour": {"zh": "劳动", "en": "Labour"},
    "practice": {"zh": "综合实践活动", "en": "Practical activities"},
    "physics": {"zh": "物理", "en": "Physics"},
    "chemistry": {"zh": "化学", "en": "Chemistry"},
    "biology": {"zh": "生物学", "en": "Biology"},
    "history": {"zh": "历史", "en": "History"},
    "geography": {"zh": "地理", "en": "Geography"},
    "politics": {"zh": "思想政治", "en": "Politics"},
    "class_meeting": {"zh": "班会", "en": "Class meeting"},
}

GRADES: dict[str, dict[str, str]] = {
    **{f"grade_{n}": {"zh": f"{'一二三四五六'[n - 1]}年级", "en": f"Grade {n}"} for n in range(1, 7)},
    **{f"grade_{n}": {"zh": f"{'七八九'[n - 7]}年级", "en": f"Grade {n}"} for n in range(7, 10)},
    **{f"senior_{n}": {"zh": f"高{'一二三'[n - 1]}", "en": f"Senior {n}"} for n in range(1, 4)},
}
