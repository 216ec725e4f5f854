from edu_pipeline.ground.spilled import repeated, spilled_set


def test_a_text_is_new_once() -> None:
    with spilled_set() as seen, spilled_set() as other:
        assert seen.add("t_1")
        assert not seen.add("t_1")
        assert seen.add("T_1")
        assert "t_1" in seen
        assert "t_2" not in seen
        assert "t_1" not in other


def test_what_comes_more_than_once_is_told_once() -> None:
    assert repeated(["a", "b", "", "a", "", "a"]) == {"a", ""}
    assert repeated([]) == frozenset()
