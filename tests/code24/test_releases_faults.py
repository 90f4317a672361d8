"""Damage, forgery, crashes and company: detected, named, survived."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import pytest

from code24.contracts.release import Signed
from code24.contracts.wire import encode
from code24.releases import Publisher, Reader, ReleaseError, durable, ensure_keys
from tests.code24.releasing import (
    ReleaseHome,
    ab_test,
    numbered,
    release_home,
    shard,
)

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def home(tmp_path: Path) -> ReleaseHome:
    return release_home(tmp_path)


def alter(path: Path, change: Callable[[Signed], Signed]) -> None:
    path.write_bytes(
        encode(change(msgspec.json.decode(path.read_bytes(), type=Signed)))
    )


def forged_payload(signed: Signed) -> Signed:
    payload = signed.payload.replace("shop.example", "evil.example")
    return msgspec.structs.replace(signed, payload=payload.replace('["a"]', "[]"))


def forged_signature(signed: Signed) -> Signed:
    return msgspec.structs.replace(signed, signature="A" * 86 + "==")


def no_signature(signed: Signed) -> Signed:
    return msgspec.structs.replace(signed, signature="§ not base64")


def other_key(signed: Signed) -> Signed:
    return msgspec.structs.replace(signed, key_id="0" * 16)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (forged_payload, "the signature is wrong"),
        (forged_signature, "the signature is wrong"),
        (no_signature, "the signature is wrong"),
        (other_key, "signed with key 0000000000000000"),
    ],
)
@pytest.mark.parametrize("is_manifest", [True, False])
def test_a_forged_document_is_named(
    home: ReleaseHome,
    change: Callable[[Signed], Signed],
    told: str,
    is_manifest: bool,
) -> None:
    made = home.publish(shard())
    home.publisher.set_switches([], ["a"])
    path = home.releases / (
        f"manifests/{made.release_id}.json" if is_manifest else "switches.json"
    )
    alter(path, change)
    with pytest.raises(ReleaseError, match=told) as caught:
        home.reader.current() if is_manifest else home.reader.switches()
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\xff\xfe", b"[]", b"null", b"[" * 100_000, b'{"v":1}']
)
def test_what_is_no_document_is_named(home: ReleaseHome, content: bytes) -> None:
    made = home.publish(shard())
    for name in (f"manifests/{made.release_id}.json", "switches.json"):
        (home.releases / name).write_bytes(content)
    with pytest.raises(ReleaseError, match=r"manifests/r000001.*damaged.*rollback"):
        home.reader.current()
    with pytest.raises(ReleaseError, match=r"switches\.json.*damaged.*set the switch"):
        home.reader.switches()


def test_a_document_of_another_kind_does_not_pass(home: ReleaseHome) -> None:
    made = home.publish(shard())
    home.publisher.set_switches([], [])
    home.publisher.set_switches([], ["a"])
    manifest = home.releases / "manifests" / f"{made.release_id}.json"
    manifest.write_bytes((home.releases / "switches.json").read_bytes())
    with pytest.raises(ReleaseError, match="not a Manifest"):
        home.reader.current()


def test_a_manifest_under_another_name_does_not_pass(home: ReleaseHome) -> None:
    first, second = home.publish(numbered(1)), home.publish(numbered(2))
    folder = home.releases / "manifests"
    old = (folder / f"{first.release_id}.json").read_bytes()
    (folder / f"{second.release_id}.json").write_bytes(old)
    with pytest.raises(ReleaseError, match=f"holds release {first.release_id}"):
        home.reader.current()


@pytest.mark.parametrize("content", [b"", b"{}", encode(shard("blog")), None])
def test_a_damaged_shard_is_named(home: ReleaseHome, content: bytes | None) -> None:
    made = home.publish(shard())
    path = home.releases / "shards" / f"{made.sites['shop'].shard}.json"
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    problems = home.reader.verify(made.release_id)
    assert len(problems) == 1
    assert problems[0].startswith(f"site shop: {path}")
    with pytest.raises(ReleaseError, match="rollback"):
        home.reader.site(made, "shop")
    with pytest.raises(ReleaseError, match=re.escape(str(path))):
        home.publisher.rollback(made.release_id)


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"../../etc/passwd", b"r1-00", b"\xff" * 99]
)
def test_a_damaged_pointer_is_named(home: ReleaseHome, content: bytes) -> None:
    home.publish(shard())
    (home.releases / "CURRENT").write_bytes(content)
    with pytest.raises(ReleaseError, match=r"CURRENT: '.*is no release id.*code24 run"):
        home.reader.current()


def test_publishing_again_heals(home: ReleaseHome) -> None:
    made = home.publish(shard("shop"), shard("blog"))
    path = home.releases / "shards" / f"{made.sites['shop'].shard}.json"
    path.write_bytes(b"")
    assert home.offer(shard("shop"), shard("blog")) is None
    assert home.reader.verify(made.release_id) == []
    (home.releases / "CURRENT").write_bytes(b"?")
    again = home.publish(shard("shop"), shard("blog"))
    assert again.release_id.startswith("r000002-")
    assert home.reader.current() == again


def test_a_damaged_release_is_listed_by_id_and_not_as_sound(home: ReleaseHome) -> None:
    first, second = home.publish(numbered(1)), home.publish(numbered(2))
    (home.releases / "manifests" / f"{first.release_id}.json").write_bytes(b"{")
    assert home.reader.release_ids() == [second.release_id, first.release_id]
    assert home.reader.releases() == [second]
    assert len(home.reader.verify(first.release_id)) == 1


@pytest.mark.parametrize("content", [b"", b"no key", None])
def test_keys_that_are_none_are_named(home: ReleaseHome, content: bytes | None) -> None:
    home.publish(shard())
    for name in ("signing.key", "verify.pub"):
        path = home.keys / name
        path.unlink() if content is None else path.write_bytes(content)
    with pytest.raises(ReleaseError, match=r"verify\.pub: .* machine that publishes"):
        home.reader.current()
    with pytest.raises(ReleaseError, match=r"(signing\.key|verify\.pub): "):
        home.offer(numbered(2))


def test_a_lost_public_key_is_no_reason_to_publish(home: ReleaseHome) -> None:
    made = home.publish(shard())
    (home.keys / "verify.pub").unlink()
    with pytest.raises(ReleaseError, match=r"verify\.pub: the key cannot be read"):
        home.offer(shard())
    with pytest.raises(ReleaseError, match=r"verify\.pub: the key cannot be read"):
        home.publisher.set_switches([], [])
    assert home.releases.joinpath("CURRENT").read_text() == f"{made.release_id}\n"


def test_going_back_needs_no_private_key(home: ReleaseHome) -> None:
    first = home.publish(numbered(1))
    home.publish(numbered(2))
    (home.keys / "signing.key").unlink()
    assert home.publisher.rollback(first.release_id) == first


def test_a_private_key_that_others_may_read_is_refused(home: ReleaseHome) -> None:
    (home.keys / "signing.key").chmod(0o644)
    with pytest.raises(ReleaseError, match=r"signing\.key: others may read .* chmod"):
        home.offer(shard())
    with pytest.raises(ReleaseError, match="chmod 600"):
        ensure_keys(home.keys)


def test_a_reader_needs_the_public_key_alone(home: ReleaseHome, tmp_path: Path) -> None:
    made = home.publish(shard())
    public = tmp_path / "elsewhere.pub"
    public.write_bytes((home.keys / "verify.pub").read_bytes())
    for path in home.keys.iterdir():
        path.unlink()
    reader = Reader(home.releases, public)
    assert reader.verify(reader.current_id()) == []
    with pytest.raises(ReleaseError, match=r"signing\.key: the key cannot be read"):
        Publisher(home.releases, home.keys).set_switches(["shop"], [])
    assert reader.current() == made


def test_a_disk_that_refuses_is_told_in_one_line(home: ReleaseHome) -> None:
    made = home.publish(shard())
    (home.releases / "shards").rename(home.releases / "kept")
    (home.releases / "shards").write_bytes(b"a file where a folder belongs")
    with pytest.raises(ReleaseError, match=r"shards: cannot be written .*try again"):
        home.offer(numbered(2))
    assert home.reader.current() == made


def test_a_crash_at_any_write_leaves_a_whole_release(
    home: ReleaseHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every write of a publish fails in turn; the last of them is ``OFFERED``."""
    served = home.publish(numbered(0))
    whole = durable.write
    for failing in range(4):
        done: list[Path] = []

        def crash(path: Path, content: bytes, mode: int = 0o644) -> None:
            if len(done) == failing:  # noqa: B023 - called within this round
                raise KeyboardInterrupt
            done.append(path)  # noqa: B023
            whole(path, content, mode)

        monkeypatch.setattr(durable, "write", crash)
        with pytest.raises(KeyboardInterrupt):
            home.offer(numbered(failing + 1))
        monkeypatch.setattr(durable, "write", whole)
        current = home.reader.current()
        assert home.reader.verify(current.release_id) == []
        assert (current == served) == (failing < 3)
        after = home.offer(numbered(failing + 1)) or current
        assert home.reader.current() == after
        assert home.reader.site(after, "shop") == numbered(failing + 1)
        served = after


def run(code: str, home: ReleaseHome, *more: str) -> subprocess.Popen[str]:
    arguments: Sequence[str] = (str(home.releases), str(home.keys), *more)
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )


PUBLISHING = """
import sys
from pathlib import Path
from tests.code24.releasing import ReleaseHome, numbered, MOMENT
home = ReleaseHome(Path(sys.argv[1]), Path(sys.argv[2]))
for number in range(int(sys.argv[3]), int(sys.argv[4])):
    print(home.publish(numbered(number)).release_id, flush=True)
"""

HOLDING = """
import sys, time
from pathlib import Path
from code24.releases.durable import locked
with locked(Path(sys.argv[1]) / ".lock"):
    print("held", flush=True)
    time.sleep(60)
"""


def test_two_publishers_take_turns(home: ReleaseHome) -> None:
    both = [run(PUBLISHING, home, "0", "9"), run(PUBLISHING, home, "10", "19")]
    made = [line for one in both for line in one.communicate()[0].split()]
    assert [one.returncode for one in both] == [0, 0]
    assert len(set(made)) == 18
    assert sorted(made, reverse=True) == home.reader.release_ids()
    assert home.reader.current_id() == max(made)
    assert all(home.reader.verify(release_id) == [] for release_id in made)


def test_a_publisher_that_is_killed_leaves_a_whole_release(home: ReleaseHome) -> None:
    publishing = run(PUBLISHING, home, "0", "100000")
    assert publishing.stdout is not None
    seen = [publishing.stdout.readline().strip() for _ in range(5)]
    publishing.send_signal(signal.SIGKILL)
    publishing.communicate()
    current = home.reader.current()
    assert current.release_id >= seen[-1]
    assert home.reader.verify(current.release_id) == []
    after = home.publish(shard("shop", ab_test("after")))
    assert home.reader.current() == after
    assert not list(home.releases.rglob(".tmp-*"))


def test_who_holds_the_lock_is_named(
    home: ReleaseHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    holder = run(HOLDING, home)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    acquire = durable._acquire
    monkeypatch.setattr(
        durable, "_acquire", lambda number, path, _: acquire(number, path, 0.0)
    )
    with pytest.raises(ReleaseError, match=f"process {holder.pid} has been writing"):
        home.offer(shard())
    os.kill(holder.pid, signal.SIGKILL)
    holder.communicate()
    home.publish(shard())
