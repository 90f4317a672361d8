import polars as pl

from orchestration.markdown import MOST_ROWS, table_of


def test_a_frame_becomes_a_table() -> None:
    frame = pl.DataFrame({"name": ["a|b", None], "lift": [0.123456, 2.0]})
    assert table_of(frame) == (
        "| name | lift |\n| --- | --- |\n| a\\|b | 0.1235 |\n|  | 2 |"
    )


def test_a_long_frame_is_cut_and_says_so() -> None:
    text = table_of(pl.DataFrame({"n": range(MOST_ROWS + 7)}))
    assert text.endswith("\n7 more rows")
    assert len(text.splitlines()) == MOST_ROWS + 4
