"""Finding, downloading, unpacking: right the first time, and nothing lost whatever happens."""

import gzip
import hashlib
import http.server
import os
import platform
import signal
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from helpers import data
from helpers.archives import download

import emnist
import keras
import numpy as np
import pytest
import tiny
from filelock import FileLock
from packaging.version import Version

MEMBERS = tiny.emnist_members()

# the emnist package reads sizes in a way that is an error from NumPy 2.4 on
pytestmark = pytest.mark.filterwarnings("ignore:Conversion of an array:DeprecationWarning")


# --- downloading -----------------------------------------------------------------------------


class Server(http.server.ThreadingHTTPServer):
    """Serves `files` ({path: bytes}) on this machine; sends only `share` of each."""

    def __init__(self, files, share=1.0):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files, self.share, self.asked = files, share, []
        self.url = f"http://127.0.0.1:{self.server_port}/"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append(self.path)
        content = self.server.files.get(self.path.strip("/"))
        if content is None:
            return self.send_error(404)
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: int(len(content) * self.server.share)])

    def log_message(self, *arguments):
        pass


@pytest.fixture
def serve():
    """Starts a Server and stops it after the test."""
    servers = []

    def start(files, share=1.0):
        servers.append(Server(files, share))
        threading.Thread(target=servers[-1].serve_forever, args=[0.05], daemon=True).start()
        return servers[-1]

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def published(fresh_cache, monkeypatch, serve, tmp_path):
    """EMNIST comes from a Server of a tiny archive; home is empty; no waits between attempts."""
    content = tiny.write_zip(tmp_path / "published.zip", MEMBERS).read_bytes()
    monkeypatch.delenv("COURSE_DATA", raising=False)
    monkeypatch.setattr(time, "sleep", lambda seconds: None)

    md5 = hashlib.md5(content).hexdigest()

    def prepare(content=content, md5=md5, **options):
        files = {} if content is None else {download.EMNIST_FILE: content}
        server = serve(files, **options)
        monkeypatch.setattr(download, "EMNIST_URL", server.url)
        monkeypatch.setattr(download, "EMNIST_MD5", md5)
        return server

    return prepare


def kept():
    """What lies in the folder of the emnist package, locks aside."""
    folder = Path(emnist.get_cached_data_path()).parent
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".lock")


def test_a_downloaded_archive_serves_the_emnist_package_as_well(published, capsys):
    published()
    ours = data.load("emnist/letters")
    assert kept() == ["emnist.zip"]
    for part, extract in (
        ("train", emnist.extract_training_samples),
        ("test", emnist.extract_test_samples),
    ):
        if Version(np.__version__) >= Version("2.4"):
            break  # the package's own functions raise: tests/test_environment.py
        images, labels = extract("letters")
        assert np.array_equal(getattr(ours, part).images, images)
        assert np.array_equal(getattr(ours, part).labels, labels - 1)
    assert "536 MB" in capsys.readouterr().out


def test_what_is_the_published_file_by_its_hash_is_complete(published):
    published()
    assert data.load("emnist/letters").complete


def test_a_second_load_asks_the_network_for_nothing(published):
    server = published()
    data.load("emnist/letters")
    data.load("emnist/letters")
    assert server.asked == [f"/{download.EMNIST_FILE}"]


def test_two_that_want_the_archive_at_once_download_it_once(published):
    server = published()
    with ThreadPoolExecutor(2) as pool:
        loaded = list(pool.map(data.load, ["emnist/letters"] * 2))
    assert [len(dataset.train) for dataset in loaded] == [60, 60]
    assert server.asked == [f"/{download.EMNIST_FILE}"]


def test_the_emnist_package_s_empty_placeholder_is_replaced(published):
    server = published()
    placeholder = Path(emnist.get_cached_data_path())
    placeholder.parent.mkdir(parents=True)
    placeholder.touch()
    assert len(data.load("emnist/letters").train) == 60
    assert len(server.asked) == 1 and placeholder.stat().st_size > 0


def test_what_a_killed_download_left_is_cleared_away(published):
    published()
    leftover = Path(emnist.get_cached_data_path()).with_name("partial") / "gzip.zip"
    leftover.parent.mkdir(parents=True)
    leftover.write_bytes(b"half of it")
    assert len(data.load("emnist/letters").train) == 60
    assert kept() == ["emnist.zip"]


@pytest.mark.parametrize(
    "options, found",
    [
        ({"md5": "0" * 32}, "hash"),
        ({"share": 0.5}, "IncompleteRead"),
        ({"content": None}, "404"),
        ({"content": b""}, "hash"),
    ],
    ids=["wrong hash", "closed half-way", "not there", "empty"],
)
def test_a_download_that_fails_is_explained_and_leaves_nothing(published, options, found):
    server = published(**options)
    with pytest.raises(data.DataUnavailable) as error:
        data.load("emnist/letters")
    tiny.explains(error, found, server.url, "MD5", "Run again", "COURSE_DATA=sample")
    assert kept() == []


@pytest.fixture
def spoilt(published):
    """The path of an archive that the course downloaded and that was damaged afterwards."""
    published()
    data.load("emnist/letters")
    archive = Path(emnist.get_cached_data_path())
    archive.write_bytes(archive.read_bytes()[:20_000])
    return archive


def test_only_a_download_of_the_course_s_own_may_be_deleted(spoilt, monkeypatch):
    with pytest.raises(data.DataUnavailable) as error:
        data.load("emnist/letters")
    tiny.explains(error, "not a zip", f"delete it (rm {spoilt}) and run again")
    monkeypatch.setenv("COURSE_DATA", str(spoilt.parents[1]))  # the same file, now the user's
    with pytest.raises(data.DataUnavailable) as error:
        data.load("emnist/letters")
    tiny.explains(error, "not a zip", "good copy")
    assert "delete" not in str(error.value)


@pytest.mark.parametrize(
    "system, folder, command",
    [
        ("Linux", "my home", "rm '{}'"),
        ("Darwin", "my home", "rm '{}'"),
        ("Windows", "my home", 'del "{}"'),
    ],
)
def test_how_to_delete_it_is_a_command_of_the_reader_s_system(
    spoilt, monkeypatch, tmp_path, system, folder, command
):
    home = spoilt.parents[2].rename(tmp_path / folder)
    archive = home / spoilt.relative_to(tmp_path / "home")
    monkeypatch.setattr(emnist, "get_cached_data_path", lambda: str(archive))
    monkeypatch.setattr(platform, "system", lambda: system)
    with pytest.raises(data.DataUnavailable) as error:
        data.load("emnist/letters")
    tiny.explains(error, f"delete it ({command.format(archive)})")


def test_the_advice_to_delete_it_helps(spoilt):
    with pytest.raises(data.DataUnavailable) as error:
        data.load("emnist/letters")
    command = str(error.value).partition("delete it (")[2].partition(")")[0]
    subprocess.run(command, shell=True, check=True)
    assert len(data.load("emnist/letters").train) == 60


def test_without_a_network_the_error_says_how_to_work_offline(published):
    server = published()
    server.shutdown()
    server.server_close()
    with pytest.raises(data.DataUnavailable) as error:
        data.load("emnist/letters")
    tiny.explains(error, "refused", "network", "with a browser", "COURSE_DATA=sample")
    assert kept() == []


def test_a_download_that_failed_succeeds_on_the_next_run(published):
    server = published(share=0.5)
    with pytest.raises(data.DataUnavailable):
        data.load("emnist/letters")
    server.share = 1.0
    assert len(data.load("emnist/letters").train) == 60


def test_a_home_that_cannot_be_written_is_explained(published, tmp_path):
    published()
    (tmp_path / "home").write_bytes(b"a file, not a folder")
    with pytest.raises(data.DataUnavailable) as error:
        data.load("emnist/letters")
    tiny.explains(error, "Not a directory", "can be written", "COURSE_DATA=sample")


@pytest.fixture
def keras_mnist(fresh_cache, monkeypatch, serve, tmp_path):
    """Keras' downloader of MNIST, with a Server of a tiny MNIST in place of Google's."""
    arrays = {}
    for seed, part in enumerate(("train", "test")):
        arrays[f"x_{part}"], arrays[f"y_{part}"] = tiny.arrays(40, 10, seed=seed)
    np.savez(tmp_path / "mnist.npz", **arrays)
    content = (tmp_path / "mnist.npz").read_bytes()
    monkeypatch.delenv("COURSE_DATA", raising=False)
    module = sys.modules[keras.datasets.mnist.load_data.__module__]
    real = module.get_file

    digest = hashlib.sha256(content).hexdigest()

    def prepare(content=content, digest=digest, **options):
        server = serve({} if content is None else {"mnist.npz": content}, **options)
        (tmp_path / "keras").mkdir(exist_ok=True)
        monkeypatch.setattr(
            module,
            "get_file",
            lambda fname, origin, file_hash: real(
                fname, server.url + "mnist.npz", file_hash=digest, cache_dir=tmp_path / "keras"
            ),
        )
        return server

    prepare.arrays = arrays
    return prepare


def test_mnist_by_keras_is_mnist_as_keras_gives_it(keras_mnist):
    server = keras_mnist()
    loaded = data.load("mnist")
    assert np.array_equal(loaded.train.images, keras_mnist.arrays["x_train"])
    assert np.array_equal(loaded.test.labels, keras_mnist.arrays["y_test"])
    assert loaded.complete
    data.load("mnist")
    assert server.asked == ["/mnist.npz"]


@pytest.mark.parametrize(
    "options, found",
    [
        ({"digest": "0" * 64}, "hash"),
        ({"share": 0.5}, "retrieval incomplete"),
        ({"content": None}, "404"),
    ],
    ids=["wrong hash", "closed half-way", "not there"],
)
def test_mnist_that_fails_to_download_is_explained_and_mends_itself(keras_mnist, options, found):
    keras_mnist(**options)
    with pytest.raises(data.DataUnavailable) as error:
        data.load("mnist")
    tiny.explains(error, found, "network", "Run again", "COURSE_DATA=sample")
    keras_mnist()
    assert len(data.load("mnist").train) == 40


# --- a folder of the user's ------------------------------------------------------------------


@pytest.mark.parametrize("name", ["mnist", "emnist/letters"])
def test_a_folder_without_the_files_is_explained(name, fresh_cache, monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    with pytest.raises(data.DataUnavailable) as error:
        data.load(name)
    tiny.explains(error, "found no", str(tmp_path), "Put", "unset COURSE_DATA")


def test_one_missing_file_of_mnist_is_named(fresh_cache, monkeypatch, tmp_path):
    files = tiny.mnist_files()
    del files["t10k-labels-idx1-ubyte.gz"]
    monkeypatch.setenv("COURSE_DATA", str(tiny.write_mnist(tmp_path, files)))
    with pytest.raises(data.DataUnavailable) as error:
        data.load("mnist")
    tiny.explains(error, "found no", "t10k-labels-idx1-ubyte.gz", "unset COURSE_DATA")
    assert "train-images" not in str(error.value)


def test_a_damaged_file_of_mnist_is_named(fresh_cache, monkeypatch, tmp_path):
    files = tiny.mnist_files()
    files["t10k-images-idx3-ubyte.gz"] = files["t10k-images-idx3-ubyte.gz"][:1000]
    monkeypatch.setenv("COURSE_DATA", str(tiny.write_mnist(tmp_path, files)))
    with pytest.raises(data.DataUnavailable) as error:
        data.load("mnist")
    tiny.explains(error, "found", "t10k-images-idx3-ubyte.gz", "test images", "good copy")
    assert "delete" not in str(error.value)


def test_mnist_is_complete_where_all_four_files_are_the_publisher_s(
    fresh_cache, monkeypatch, tmp_path
):
    files = tiny.mnist_files()
    for (part, kind), name in {
        ("train", "images"): "train-images-idx3-ubyte.gz",
        ("train", "labels"): "train-labels-idx1-ubyte.gz",
        ("test", "images"): "t10k-images-idx3-ubyte.gz",
        ("test", "labels"): "t10k-labels-idx1-ubyte.gz",
    }.items():
        unpacked = gzip.decompress(files[name])
        monkeypatch.setitem(download.MNIST_MD5, (part, kind), hashlib.md5(unpacked).hexdigest())
    monkeypatch.setenv("COURSE_DATA", str(tiny.write_mnist(tmp_path, files)))
    assert data.load("mnist").complete
    for name, content in files.items():
        unpacked = bytearray(gzip.decompress(content))
        unpacked[20] = (unpacked[20] + 1) % 10  # a pixel or a label
        tiny.write_mnist(tmp_path, files | {name: gzip.compress(unpacked)})
        assert not data.load("mnist").complete, name


@pytest.mark.parametrize(
    "content, found",
    [
        (b"", "not a zip"),
        (b"<html>Sorry</html>", "not a zip"),
        ("half", "not a zip"),
        ("digits", "no item named 'gzip/emnist-letters-train-labels"),
    ],
    ids=["empty", "a web page", "truncated", "without that split"],
)
def test_an_archive_that_is_none_is_explained(letters, content, found):
    if content == "half":
        content = letters.read_bytes()[:20_000]
    elif content == "digits":
        digits = tiny.emnist_members("digits", classes=10, first_label=0)
        content = tiny.write_zip(letters, digits).read_bytes()
    letters.write_bytes(content)
    with pytest.raises(data.DataUnavailable) as error:
        data.load("emnist/letters")
    tiny.explains(error, found, str(letters), "good copy", "COURSE_DATA")
    assert "delete" not in str(error.value)


@pytest.mark.parametrize(
    "value, hint", [("sampel", "COURSE_DATA=sample?"), ("/no/such/folder", "correct the path")]
)
def test_a_misspelt_source_is_explained(value, hint, own_caches, monkeypatch):
    monkeypatch.setenv("COURSE_DATA", value)
    with pytest.raises(data.DataUnavailable) as error:
        data.load("mnist")
    tiny.explains(error, "found", repr(value), hint, "Unset COURSE_DATA")


def test_a_folder_is_only_read(letters, tmp_path):
    tiny.write_mnist(tmp_path / "data", tiny.mnist_files())

    def state():
        paths = sorted((tmp_path / "data").rglob("*"))
        return [(path, path.stat().st_size, path.stat().st_mtime_ns) for path in paths]

    before = state()
    folders = [tmp_path / "data", tmp_path / "data/emnist", tmp_path / "data/mnist"]
    for folder in folders:
        folder.chmod(0o555)
    try:
        assert len(data.load("emnist/letters").train) == 60
        assert len(data.load("mnist").train) == 60
    finally:
        for folder in folders:
            folder.chmod(0o755)
    assert state() == before


def test_a_changed_archive_is_noticed(letters):
    assert len(data.load("emnist/letters").train) == 60
    tiny.write_zip(letters, tiny.emnist_members(counts=(80, 40)))
    assert len(data.load("emnist/letters").train) == 80


# --- nothing is lost -------------------------------------------------------------------------

START = """
import importlib.machinery, os, sys, types
keras = types.ModuleType("keras")  # only MNIST's download needs it, and it takes seconds to load
keras.__spec__ = importlib.machinery.ModuleSpec("keras", None)
sys.modules["keras"] = keras
from helpers.archives import download, idx
import numpy as np

def unpack():
    arrays, _ = download.unpacked("emnist/letters", range(26))
    return arrays["train-images"]
"""


def python(code):
    """Start another process that has the same environment as this test."""
    return subprocess.Popen(
        [sys.executable, "-c", START + textwrap.dedent(code)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        cwd=Path(download.__file__).parents[2],
    )


def test_a_damaged_cache_is_rebuilt(letters, fresh_cache):
    right = np.array(data.load("emnist/letters").train.images)
    (file,) = fresh_cache.glob("*/train-images.npy")
    labels = file.with_name("test-labels.npy")
    for spoil in (
        lambda: file.write_bytes(file.read_bytes()[:-1]),
        lambda: file.write_bytes(b""),
        file.unlink,
        lambda: labels.write_bytes(labels.read_bytes()[:-1]),
        lambda: labels.write_bytes(b""),
        labels.unlink,
        lambda: file.with_name("about.json").write_text("{", encoding="utf-8"),
    ):
        spoil()
        assert np.array_equal(data.load("emnist/letters").train.images, right)


def folders(cache):
    """The names of all folders in a cache."""
    return sorted(path.name for path in cache.iterdir() if path.is_dir())


def test_the_cache_of_an_older_archive_goes_when_the_new_one_is_there(letters, fresh_cache):
    data.load("emnist/letters")
    (old,) = folders(fresh_cache)
    tiny.write_zip(letters, tiny.emnist_members(counts=(80, 40)))
    assert len(data.load("emnist/letters").train) == 80
    (new,) = folders(fresh_cache)
    assert new != old


def test_where_the_new_archive_is_damaged_the_older_one_s_cache_stays(letters, fresh_cache):
    data.load("emnist/letters")
    before = folders(fresh_cache)
    letters.write_bytes(b"no archive")
    with pytest.raises(data.DataUnavailable):
        data.load("emnist/letters")
    assert folders(fresh_cache) == before


def test_only_caches_of_the_same_name_go(letters, fresh_cache):
    others = ["emnist-letters-more-old", "emnist-mnist-old", "sample-emnist-letters-old"]
    for name in [*others, "emnist-letters-old", "emnist-letters-killed.partial"]:
        (fresh_cache / name).mkdir(parents=True)
        (fresh_cache / name / "train-labels.npy").touch()
    data.load("emnist/letters")
    new = [name for name in folders(fresh_cache) if name not in others]
    assert len(new) == 1 and new[0].startswith("emnist-letters-")
    assert set(others) < set(folders(fresh_cache))


def test_a_cache_that_another_process_is_writing_stays(letters, fresh_cache):
    written = fresh_cache / "emnist-letters-other.partial"
    written.mkdir(parents=True)
    with FileLock(fresh_cache / "emnist-letters-other.lock"):
        data.load("emnist/letters")
    assert written.is_dir()


def test_a_cache_whose_files_windows_finds_in_use_stays_whole(letters, fresh_cache, monkeypatch):
    data.load("emnist/letters")
    (old,) = fresh_cache.glob("emnist-letters-*/")
    files, rename = sorted(os.listdir(old)), Path.rename

    def as_on_windows(path, target):
        if path == old:
            raise PermissionError(13, "Access is denied")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", as_on_windows)
    tiny.write_zip(letters, tiny.emnist_members(counts=(80, 40)))
    assert len(data.load("emnist/letters").train) == 80
    assert sorted(os.listdir(old)) == files
    monkeypatch.setattr(Path, "rename", rename)
    tiny.write_zip(letters, tiny.emnist_members(counts=(90, 40)))
    assert len(data.load("emnist/letters").train) == 90
    assert not old.exists() and len(folders(fresh_cache)) == 1


def test_who_reads_an_older_cache_reads_on_and_it_is_rebuilt_for_the_next(letters, fresh_cache):
    reader = python(
        """
        images = unpack()
        print("mapped", flush=True)
        sys.stdin.readline()
        print(images.sum())
        """
    )
    assert "mapped" in reader.stdout.readline()
    old, times = letters.read_bytes(), letters.stat()
    tiny.write_zip(letters, tiny.emnist_members(counts=(80, 40)))
    assert len(data.load("emnist/letters").train) == 80
    assert len(folders(fresh_cache)) == 1
    right = tiny.arrays(60, 26)[0]
    assert int(reader.communicate("\n", timeout=60)[0]) == right.sum()
    letters.write_bytes(old)
    os.utime(letters, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert np.array_equal(data.load("emnist/letters").train.images, right)


def test_a_second_load_unpacks_nothing(letters, monkeypatch):
    data.load("emnist/letters")
    monkeypatch.setattr(download, "write_part", None)
    assert len(data.load("emnist/letters").train) == 60


def test_killed_while_unpacking_the_next_run_recovers(letters, fresh_cache):
    killed = python(
        """
        real, seen = idx.np.frombuffer, []
        def stall(*arguments):
            seen.append(1)
            if len(seen) == 6:
                print("half-way", flush=True)
                import time; time.sleep(60)
            return real(*arguments)
        idx.CHUNK, idx.np.frombuffer = 8, stall
        unpack()
        """
    )
    assert "half-way" in killed.stdout.readline()
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    killed.stdin.close()
    killed.stdout.close()
    (half,) = fresh_cache.glob("*.partial")
    assert (half / "train-labels.npy").is_file()
    loaded = data.load("emnist/letters")
    images, labels = tiny.arrays(60, 26, 1)
    assert np.array_equal(loaded.train.images, images)
    assert np.array_equal(loaded.train.labels, labels - 1)
    assert not half.exists()


def test_a_full_disk_is_explained_and_the_next_run_is_right(letters, fresh_cache):
    full = python(
        """
        import resource, signal
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
        try:
            unpack()
        except idx.DataUnavailable as error:
            print(error)
        """
    )
    message = full.communicate(timeout=60)[0]
    for words in ("could not be unpacked", "File too large", "Expected a folder", "XDG_CACHE_HOME"):
        assert words in message
    assert [path.name for path in fresh_cache.iterdir() if path.is_dir()] == []
    assert np.array_equal(data.load("emnist/letters").train.images, tiny.arrays(60, 26)[0])


def test_a_full_disk_while_downloading_leaves_nothing(published, monkeypatch):
    published()

    def full(*arguments, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(download.Path, "replace", full)
    with pytest.raises(data.DataUnavailable) as error:
        data.load("emnist/letters")
    tiny.explains(error, "No space left", "540 MB of free disk", "Run again")
    assert kept() == []


def test_two_processes_at_once_unpack_once_and_both_are_right(letters, fresh_cache, tmp_path):
    code = f"""
    import time
    real = download._write_emnist
    def slowly(*arguments, **options):
        print("unpacking", flush=True)
        time.sleep(0.3)
        return real(*arguments, **options)
    download._write_emnist = slowly
    open(r"{tmp_path}/ready-" + str(os.getpid()), "wb").close()
    while not os.path.exists(r"{tmp_path}/go"):
        time.sleep(0.001)
    print(unpack().sum())
    """
    both = [python(code), python(code)]
    while len(list(tmp_path.glob("ready-*"))) < 2:
        assert all(process.poll() is None for process in both)
        os.sched_yield()
    (tmp_path / "go").touch()
    outputs = [process.communicate(timeout=60)[0].split() for process in both]
    right = str(tiny.arrays(60, 26)[0].sum())
    assert [output[-1] for output in outputs] == [right, right]
    assert sum(output.count("unpacking") for output in outputs) == 1
