"""The names of the hard rules that can stand in the way of one more lesson, as explanations and checks use them."""

from enum import StrEnum


class Rule(StrEnum):
    """A hard rule, by what is scarce."""

    NEED_MET = "need_met"
    OTHER_LEAD = "other_lead"
    ALREADY_ATTENDS = "already_attends"
    CLASS_BUSY = "class_busy"
    LESSON_FULL = "lesson_full"
    TEACHER_LIMIT = "teacher_limit"
    TEACHER_BUSY = "teacher_busy"
    STUDIO_BUSY = "studio_busy"
    SERIES_LIMIT = "series_limit"
    SERIES_DAY = "series_day"
    UPLINK_FULL = "uplink_full"
    SCHOOL_FULL = "school_full"
    RELAY_FULL = "relay_full"
