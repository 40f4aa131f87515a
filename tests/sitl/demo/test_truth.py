from sitl.demo.truth import LogTail


def test_reads_only_whole_lines_and_only_once(tmp_path):
    tail = LogTail(tmp_path / "x.jsonl")
    assert tail.refresh() == []
    with tail.path.open("w") as file:
        file.write('{"a": 1}\n{"a"')
        file.flush()
        assert tail.refresh() == [{"a": 1}]
        file.write(": 2}\n")
    assert tail.refresh() == [{"a": 2}]
    assert tail.entries == [{"a": 1}, {"a": 2}]
