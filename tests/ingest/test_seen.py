from pipeline.ingest.seen import SeenIds


def test_only_the_first_of_two_equal_ids_is_new() -> None:
    seen = SeenIds()

    assert [seen.add(name) for name in ("a", "b", "a", "", "", "é", "b")] == [
        True, True, False, True, False, True, False,
    ]  # fmt: skip


def test_ids_are_known_after_the_table_has_grown() -> None:
    seen = SeenIds()

    assert all(seen.add(f"article {number}") for number in range(10_000))
    assert not any(seen.add(f"article {number}") for number in range(10_000))


def test_an_id_takes_no_more_than_24_bytes() -> None:
    seen = SeenIds()
    for number in range(100_000):
        seen.add(str(number))

    assert len(seen._slots) * seen._slots.itemsize <= 24 * 100_000
