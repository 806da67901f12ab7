"""Critiques: blind until all have handed in, read by those concerned and nobody else, answered, exported."""

import io
import zipfile
from typing import Any
from xml.etree import ElementTree

import pytest
from openpyxl import load_workbook

ALL = (
    "system", "prefecture", "county_north", "county_south", "school_north", "school_south", "school_other",
    "teacher_north", "teacher_south", "teacher_other", "researcher_north", "researcher_south", "researcher_two",
    "researcher_top", "inspector_north", "inspector_south",
)  # fmt: skip
WATCHERS = set(ALL) - {"school_other", "teacher_north", "teacher_south", "teacher_other"}
FULL = {"goals": 18, "content": 17, "process": 16, "learning": 15, "effect": 14}


def view(caller: Any, critique: Any) -> Any:
    return caller.get(f"/api/critiques/{critique['id']}")


def test_forms_are_blind_until_the_last_one_is_handed_in(
    taught: Any, open_critique: Any, hand_in: Any, signed_in: Any
) -> None:
    critique = open_critique(taught)
    first = hand_in(critique, "researcher_two")
    assert [sheet["mine"] for sheet in first["sheets"]] == [True]
    assert first["lessons"][0]["mean"] is None
    for name in ("researcher_top", "researcher_north", "county_north"):  # the opener and administrators too
        seen = view(signed_in(name), critique).json()
        assert (seen["sheets"], seen["sheets_hidden"], seen["lessons"][0]["mean"]) == ([], True, None), name
        assert [bool(reviewer["handed_in_at"]) for reviewer in seen["reviewers"]] == [True, False]
    last = hand_in(critique, "researcher_top", scores=FULL | {"goals": 20})
    assert last["closed_at"] is not None
    for name in WATCHERS | {"teacher_north"}:
        seen = view(signed_in(name), critique).json()
        assert [sheet["total"] for sheet in seen["sheets"]] == [80, 82], name
        assert (seen["lessons"][0]["mean"], seen["sheets_hidden"]) == (81.0, False)


def test_who_knows_of_a_critique_before_and_after_it_is_over(
    taught: Any, open_critique: Any, hand_in: Any, signed_in: Any, anonymous: Any
) -> None:
    critique = open_critique(taught)

    def knowing() -> tuple[set[str], set[str]]:
        callers = {name: signed_in(name) for name in ALL}
        one = {name for name, caller in callers.items() if view(caller, critique).status_code == 200}
        listed = {name for name, caller in callers.items() if caller.get("/api/critiques").json()["total"] == 1}
        return one, listed

    assert knowing() == (WATCHERS, WATCHERS)
    hand_in(critique, "researcher_two")
    hand_in(critique, "researcher_top")
    everyone = WATCHERS | {"teacher_north"}
    assert knowing() == (everyone, everyone)
    assert view(anonymous, critique).status_code == 401
    assert anonymous.get(f"/api/critiques/{critique['id']}/export.xlsx").status_code == 401
    assert signed_in("teacher_other").get(f"/api/critiques/{critique['id']}/export.xlsx").status_code == 404


def test_who_may_open_a_critique(taught: Any, signed_in: Any, people: Any) -> None:
    body = {
        "title": "评课", "lesson_ids": [taught["id"]], "rubric_id": "classroom",
        "reviewer_ids": [people.users["researcher_two"].id],
    }  # fmt: skip
    allowed = {name for name in ALL if signed_in(name).post("/api/critiques", body).status_code == 201}
    assert allowed == WATCHERS


def test_only_who_may_watch_all_lessons_can_be_assigned(taught: Any, signed_in: Any, people: Any) -> None:
    opener = signed_in("researcher_north")
    choices = opener.get(f"/api/reviewers?lesson_id={taught['id']}").json()["items"]
    names = {name for name, user in people.users.items() if user.id in {choice["id"] for choice in choices}}
    assert names == WATCHERS
    for name in ("teacher_other", "school_other"):
        body = {"title": "评课", "lesson_ids": [taught["id"]], "rubric_id": "classroom"}
        refused = opener.post("/api/critiques", body | {"reviewer_ids": [people.users[name].id]})
        assert refused.json()["code"] == "unfit_reviewer"
    assert signed_in("teacher_north").get(f"/api/reviewers?lesson_id={taught['id']}").status_code == 403


def test_a_form_is_kept_as_it_grows_and_closed_by_handing_in(taught: Any, open_critique: Any, signed_in: Any) -> None:
    critique = open_critique(taught, reviewers=("researcher_two",))
    reviewer = signed_in("researcher_two")
    path = f"/api/critiques/{critique['id']}"
    sheet = f"{path}/lessons/{taught['id']}/sheet"
    assert reviewer.put(sheet, {"scores": {"goals": 20}}).json()["sheets"][0]["total"] is None
    assert reviewer.post(f"{path}/hand-in").json()["code"] == "sheet_incomplete"
    assert reviewer.put(sheet, {"scores": {"goals": 21}}).status_code == 422
    assert reviewer.put(sheet, {"scores": {"charm": 1}}).status_code == 422
    assert reviewer.put(sheet, {"remarks": {"charm": "x"}}).status_code == 422
    assert reviewer.put(sheet.replace(taught["id"], "0" * 32), {}).status_code == 404
    assert signed_in("researcher_north").put(sheet, {}).status_code == 403
    assert signed_in("researcher_north").post(f"{path}/hand-in").status_code == 403
    assert reviewer.put(sheet, {"scores": FULL}).json()["sheets"][0]["total"] == 80
    assert reviewer.post(f"{path}/hand-in").json()["my_part"] == "handed_in"
    assert reviewer.put(sheet, {"scores": FULL}).json()["code"] == "handed_in"
    assert reviewer.post(f"{path}/hand-in").json()["code"] == "handed_in"


def test_closing_early_opens_what_is_handed_in_and_nothing_else(
    taught: Any, open_critique: Any, hand_in: Any, signed_in: Any
) -> None:
    critique = open_critique(taught)
    hand_in(critique, "researcher_two")
    path = f"/api/critiques/{critique['id']}"
    signed_in("researcher_top").put(f"{path}/lessons/{taught['id']}/sheet", {"scores": {"goals": 1}})
    assert signed_in("researcher_two").post(f"{path}/close").status_code == 403
    closed = signed_in("researcher_north").post(f"{path}/close").json()
    assert [sheet["total"] for sheet in closed["sheets"]] == [80]
    assert signed_in("researcher_top").post(f"{path}/hand-in").json()["code"] == "critique_closed"
    assert signed_in("researcher_north").post(f"{path}/close").json()["code"] == "critique_closed"


def test_a_critique_is_closed_by_who_opened_it_or_administrators_above_them_or_the_lead_school(
    taught: Any, open_critique: Any, signed_in: Any
) -> None:
    watching = (
        "system", "prefecture", "county_north", "county_south", "school_north", "school_south", "researcher_north",
        "researcher_south", "researcher_two", "inspector_north",
    )  # fmt: skip
    closing = {"system", "prefecture", "county_north", "school_north", "researcher_north"}
    for name in watching:
        critique = open_critique(taught)
        caller = signed_in(name)
        assert view(caller, critique).json()["may_close"] is (name in closing), name
        answer = caller.post(f"/api/critiques/{critique['id']}/close")
        assert answer.status_code == (200 if name in closing else 403), name


def test_the_teacher_answers_what_was_handed_in(taught: Any, open_critique: Any, hand_in: Any, signed_in: Any) -> None:
    critique = open_critique(taught, reviewers=("researcher_two",))
    teacher = signed_in("teacher_north")
    sheet = hand_in(critique, "researcher_two")["sheets"][0]
    path = f"/api/critiques/{critique['id']}/sheets/{sheet['id']}/replies"
    answered = teacher.post(path, {"text": "谢谢，下次留更多时间。"})
    assert answered.status_code == 201
    signed_in("researcher_two").post(path, {"text": "好"})
    replies = view(signed_in("researcher_north"), critique).json()["sheets"][0]["replies"]
    assert [(reply["author"], reply["text"]) for reply in replies] == [
        ("teacher_north", "谢谢，下次留更多时间。"), ("王研", "好"),
    ]  # fmt: skip
    assert teacher.post(path.replace(sheet["id"], "0" * 32), {"text": "x"}).status_code == 404
    assert signed_in("teacher_other").post(path, {"text": "x"}).status_code == 404


def test_what_is_waiting_for_me(taught: Any, open_critique: Any, hand_in: Any, signed_in: Any) -> None:
    critique = open_critique(taught)
    reviewer = signed_in("researcher_two")
    waiting = reviewer.get("/api/critiques?mine=true").json()["items"]
    assert [item["my_part"] for item in waiting] == ["to_fill_in"]
    hand_in(critique, "researcher_two")
    assert reviewer.get("/api/critiques?mine=true").json()["total"] == 0
    assert reviewer.get(f"/api/critiques?lesson_id={taught['id']}").json()["total"] == 1
    assert reviewer.get(f"/api/critiques?lesson_id={'0' * 32}").json()["total"] == 0


def test_the_workbook_holds_scores_remarks_replies_and_notes_as_text(
    taught: Any, open_critique: Any, hand_in: Any, signed_in: Any, new_note_id: Any
) -> None:
    reviewer = signed_in("researcher_two")
    note = {"text": "=1+1", "kind": "question", "at_ms": 65_000, "shared": True}
    reviewer.put(f"/api/lessons/{taught['id']}/notes/{new_note_id()}", note)
    critique = open_critique(taught, reviewers=("researcher_two",))
    hand_in(critique, "researcher_two", summary='=HYPERLINK("x")')
    answer = reviewer.get(f"/api/critiques/{critique['id']}/export.xlsx?locale=zh-CN")
    book = load_workbook(io.BytesIO(answer.content))
    assert book.sheetnames == ["评分", "评语与回复", "听课记录"]
    scores = [[cell.value for cell in row] for row in book["评分"].iter_rows()]
    assert ["合计", 100, 80, 80] in [row[:4] for row in scores]
    assert ["教学目标", 20, 18, 18] in [row[:4] for row in scores]
    remarks = [tuple(cell.value for cell in row) for row in book["评语与回复"].iter_rows()]
    assert ("分数的意义", "王研", "总评", '=HYPERLINK("x")') in remarks
    notes = [tuple(cell.value for cell in row) for row in book["听课记录"].iter_rows()]
    assert notes[1] == ("分数的意义", "1:05", "疑问", "王研", "=1+1")
    assert all(cell.data_type != "f" for sheet in book for row in sheet.iter_rows() for cell in row)
    english = reviewer.get(f"/api/critiques/{critique['id']}/export.xlsx?locale=en")
    assert load_workbook(io.BytesIO(english.content)).sheetnames[0] == "Scores"


def test_the_document_holds_scores_remarks_replies_and_notes(
    taught: Any, open_critique: Any, hand_in: Any, signed_in: Any, new_note_id: Any
) -> None:
    reviewer = signed_in("researcher_two")
    note = {"text": "5 < 6 & 7\n第二行", "kind": "question", "at_ms": 65_000, "shared": True}
    reviewer.put(f"/api/lessons/{taught['id']}/notes/{new_note_id()}", note)
    critique = open_critique(taught, reviewers=("researcher_two",))
    hand_in(critique, "researcher_two", summary="很好")
    answer = reviewer.get(f"/api/critiques/{critique['id']}/export.docx?locale=zh-CN")
    assert answer.headers["content-disposition"] == 'attachment; filename="critique.docx"'
    scores, remarks, notes = tables_of(answer.content)
    assert scores[0] == ["评价项目", "满分", "王研", "平均"]
    assert scores[1] == ["教学目标", "20", "18", "18"]
    assert scores[-1] == ["合计", "100", "80", "80"]
    assert ["王研", "总评", "很好"] in remarks
    assert notes[1] == ["1:05", "疑问", "王研", "5 < 6 & 7第二行"]
    english = reviewer.get(f"/api/critiques/{critique['id']}/export.docx?locale=en")
    assert tables_of(english.content)[0][0][0] == "Criterion"
    assert signed_in("teacher_other").get(f"/api/critiques/{critique['id']}/export.docx").status_code == 404


def tables_of(content: bytes) -> list[list[list[str]]]:
    """The text of each cell of each table; every part that the package names is there and is XML."""
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        parts = {name: ElementTree.fromstring(package.read(name)) for name in package.namelist()}
    named = {
        part.attrib["PartName"].removeprefix("/") for part in parts["[Content_Types].xml"] if "PartName" in part.attrib
    }
    assert named == {"word/document.xml", "word/styles.xml"} <= set(parts)
    word = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
    styles = {style.attrib[f"{word}styleId"] for style in parts["word/styles.xml"].iter(f"{word}style")}
    document = parts["word/document.xml"]
    assert {one.attrib[f"{word}val"] for one in document.iter(f"{word}pStyle")} <= styles
    return [
        [["".join(text.text or "" for text in cell.iter(f"{word}t")) for cell in row] for row in cells_of(table, word)]
        for table in document.iter(f"{word}tbl")
    ]


def cells_of(table: ElementTree.Element, word: str) -> list[list[ElementTree.Element]]:
    return [row.findall(f"{word}tc") for row in table.findall(f"{word}tr")]


@pytest.mark.parametrize(
    "fields",
    [
        {"lesson_ids": []}, {"reviewer_ids": []}, {"rubric_id": "no_such_rubric"}, {"rubric_id": "0" * 32},
        {"lesson_ids": ["0" * 32]}, {"title": ""}, {"comparison_id": "0" * 32}, {"due_on": "9999-12-31"},
        {"reviewer_ids": ["0" * 32]},
    ],
)  # fmt: skip
def test_a_critique_that_makes_no_sense_is_refused(taught: Any, signed_in: Any, people: Any, fields: Any) -> None:
    body = {
        "title": "评课", "lesson_ids": [taught["id"]], "rubric_id": "classroom",
        "reviewer_ids": [people.users["researcher_two"].id],
    }  # fmt: skip
    assert signed_in("researcher_north").post("/api/critiques", body | fields).status_code in (404, 422)
