"""Limits of visitors: what the operator set counts."""

import pytest

from unlearn_core.catalog.records.classifier_record import ClassifierSpecification
from unlearn_core.catalog.untrusted.uploads import most_bytes, store_upload
from unlearn_core.commands.main import main
from unlearn_core.common.quotas import QUOTAS, check_quotas
from unlearn_core.engine.additions import AddClassifierRequest, AddImageSetRequest, AddUploadRequest
from unlearn_core.engine.looks import LookRequest
from unlearn_core.errors import UserError
from unlearn_core.measuring.attribution.request import AttributionRequest
from unlearn_core.store.limits import check_disk, room_for
from unlearn_core.store.request import ForgetRequest
from unlearn_core.store.runs import Store

VISITOR = "0123456789abcdef"


@pytest.mark.parametrize(
    ("variable", "request_", "sentence"),
    [
        ("UNLEARN_MAX_PICTURES", ForgetRequest(pick="class:3:11"), "forgets at most 10 pictures in one run"),
        ("UNLEARN_MAX_STEPS", ForgetRequest(max_steps=11), "at most 10 steps in one run"),
    ],
)
def test_a_request_is_no_larger_than_the_operator_allows(
    store: Store, monkeypatch: pytest.MonkeyPatch, variable: str, request_: ForgetRequest, sentence: str
) -> None:
    room_for(store, VISITOR, [request_])
    monkeypatch.setenv(variable, "10")
    with pytest.raises(UserError, match=sentence):
        room_for(store, VISITOR, [request_])
    room_for(store, "", [request_])


def test_a_visitor_whose_files_are_too_large_starts_and_adds_nothing(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = store.create(ForgetRequest(), visitor=VISITOR)
    (store.folder(run.id) / "weights.safetensors").write_bytes(bytes(2**20 + 1))
    room_for(store, VISITOR)
    monkeypatch.setenv("UNLEARN_MAX_VISITOR_MB", "1")
    room_for(store, "f" * 16)
    with pytest.raises(UserError, match="keeps 1 MB per visitor"):
        room_for(store, VISITOR)
    adding: list[LookRequest[object]] = [
        AddUploadRequest("cat.png", b"", VISITOR),
        AddImageSetRequest("pets", "zip", None, VISITOR),
        AddClassifierRequest(ClassifierSpecification(source="timm:resnet10t:random"), VISITOR),
    ]
    for request in adding:
        with pytest.raises(UserError, match="keeps 1 MB per visitor"):
            request.answer(store.root)


def test_uploads_and_attributions_of_a_shared_server_have_their_limits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("UNLEARN_MAX_UPLOAD_MB", "7")
    monkeypatch.setenv("UNLEARN_MAX_EXPLAINED", "2")
    assert most_bytes() == 2000 * 2**20
    AttributionRequest.parse("example", range(3), "saliency")
    monkeypatch.setenv("UNLEARN_SHARED", "1")
    assert most_bytes() == 7 * 2**20
    with pytest.raises(UserError, match="Choose 1 to 2 pictures"):
        AttributionRequest.parse("example", range(3), "saliency")


@pytest.mark.parametrize("wrong", ["0", "-1", "six", "1.5", "1e3", "٣", "9" * 12])
def test_a_wrong_limit_is_one_sentence_at_the_start(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], wrong: str
) -> None:
    check_quotas()
    monkeypatch.setenv(QUOTAS[-1].variable, wrong)
    assert main(["app"]) == 2
    said = capsys.readouterr().err
    assert said == f"unlearn_core: {QUOTAS[-1].variable} must be a whole number above 0, not {wrong!r}.\n"


def test_files_that_vanish_and_uploads_that_nobody_has_read_yet(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = store.create(ForgetRequest(), visitor=VISITOR)
    # To be listed and not to be there: as a file that is removed in between.
    (store.folder(run.id) / "gone").symlink_to("nowhere")
    monkeypatch.setenv("UNLEARN_MAX_VISITOR_MB", "1")
    check_disk(store.root, VISITOR)
    store_upload(store.root, "net.pth", bytes(2**20), VISITOR)
    check_disk(store.root, "f" * 16)
    with pytest.raises(UserError, match="keeps 1 MB per visitor"):
        check_disk(store.root, VISITOR)
