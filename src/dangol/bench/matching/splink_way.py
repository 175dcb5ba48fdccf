"""Plain Splink on a labelled set, set up as its documentation does for the same or the nearest data.

Splink 5 (MIT). The set-ups follow its tutorials "Deduplicate 50k rows of historical persons", "Linking in febrl3 / febrl4", "Link bank
transactions" and the quick start: library comparisons, u by random sampling, m by expectation maximisation, no labels.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from dangol.bench.matching.datasets import Labelled
from dangol.bench.matching.truth import inside


def run(labelled: Labelled, folder: Path) -> dict[str, list[tuple[int, int]]]:
    """Way of deciding -> pairs of row numbers."""
    import duckdb  # noqa: PLC0415 - loaded in a process of its own
    import pyarrow as pa  # noqa: PLC0415 - the same
    from splink import Linker, SettingsCreator  # noqa: PLC0415 - the same
    from splink.backends.duckdb import DuckDBAPI  # noqa: PLC0415 - the same

    logging.getLogger("splink").setLevel(logging.ERROR)
    rows = [{"unique_id": number, "side": side, **told} for number, (_, side, told) in enumerate(labelled.rows(folder))]
    setup = _SETUPS["febrl" if labelled.name.startswith("febrl") else labelled.name]()
    connection = duckdb.connect()
    api = DuckDBAPI(connection=connection)
    schema = pa.schema([("unique_id", pa.int64()), ("side", pa.string()), *((name, pa.string()) for name in labelled.fields)])
    sides = ("0", "1") if labelled.linked else ("0",)
    frames = []
    for side in sides:
        connection.register(f"given{side}", pa.Table.from_pylist([row for row in rows if row["side"] == side], schema=schema))
        connection.execute(f"create table list{side} as select {setup['select']} from given{side}")  # noqa: S608 - names of ours
        frames.append(api.register(f"list{side}"))
    settings = SettingsCreator(
        link_type="link_only" if labelled.linked else "dedupe_only",
        comparisons=setup["comparisons"],
        blocking_rules_to_generate_predictions=setup["blocks"],
        retain_matching_columns=False,
    )
    linker = Linker(frames if labelled.linked else frames[0], settings, log_level=None)
    linker.training.estimate_probability_two_random_records_match(setup["sure"], recall=setup["recall"])
    linker.training.estimate_u_using_random_sampling(max_pairs=setup.get("sample", 5e6), seed=1)
    for rule in setup["passes"]:
        linker.training.estimate_parameters_using_expectation_maximisation(rule)
    scored = linker.inference.predict(threshold_match_probability=0.05)
    found = connection.execute(f"select unique_id_l, unique_id_r, match_probability from {scored.physical_name}").fetchall()  # noqa: S608 - the same
    ways = {f"pairs at {least}": [(a, b) for a, b, chance in found if chance >= least] for least in (0.5, 0.9)}
    if not labelled.linked:
        ways["clusters at 0.95"] = inside(_clusters(connection, linker, scored))
    return ways


def _clusters(connection: Any, linker: Any, scored: Any) -> list[list[int]]:
    clustered = linker.clustering.cluster_pairwise_predictions_at_threshold(scored, threshold_match_probability=0.95)
    return [row[0] for row in connection.execute(f"select list(unique_id) from {clustered.physical_name} group by cluster_id").fetchall()]  # noqa: S608 - the same


def _febrl() -> dict[str, Any]:
    import splink.comparison_library as cl  # noqa: PLC0415 - loaded in a process of its own
    from splink import block_on  # noqa: PLC0415 - the same

    return {
        "select": "*",
        "comparisons": [
            cl.NameComparison("given_name").configure(term_frequency_adjustments=True),
            cl.NameComparison("surname").configure(term_frequency_adjustments=True),
            cl.DateOfBirthComparison("date_of_birth", input_is_string=True, datetime_format="%Y%m%d", invalid_dates_as_null=True),
            cl.DamerauLevenshteinAtThresholds("soc_sec_id", [1, 2]),
            cl.ExactMatch("street_number").configure(term_frequency_adjustments=True),
            cl.DamerauLevenshteinAtThresholds("postcode", [1, 2]).configure(term_frequency_adjustments=True),
        ],
        "blocks": [
            block_on("given_name", "surname"),
            "l.given_name = r.surname and l.surname = r.given_name",
            block_on("date_of_birth"),
            block_on("soc_sec_id"),
            block_on("state", "address_1"),
            block_on("street_number", "address_1"),
            block_on("postcode"),
        ],
        "sure": [
            block_on("soc_sec_id"),
            block_on("given_name", "surname", "date_of_birth"),
            "l.given_name = r.surname and l.surname = r.given_name and l.date_of_birth = r.date_of_birth",
        ],
        "recall": 0.9,
        "passes": [block_on("date_of_birth"), block_on("postcode")],
    }


def _historical() -> dict[str, Any]:
    import splink.comparison_library as cl  # noqa: PLC0415 - loaded in a process of its own
    from splink import block_on  # noqa: PLC0415 - the same

    return {
        "select": "*, first_name || ' ' || surname as first_and_surname",
        "comparisons": [
            cl.ForenameSurnameComparison("first_name", "surname", forename_surname_concat_col_name="first_and_surname"),
            cl.DateOfBirthComparison("dob", input_is_string=True),
            cl.PostcodeComparison("postcode_fake"),
            cl.ExactMatch("birth_place").configure(term_frequency_adjustments=True),
            cl.ExactMatch("occupation").configure(term_frequency_adjustments=True),
        ],
        "blocks": [
            block_on("first_name", "surname"),
            block_on("surname", "dob"),
            block_on("first_name", "dob"),
            block_on("postcode_fake", "first_name"),
            block_on("postcode_fake", "surname"),
            block_on("dob", "birth_place"),
            block_on("substr(postcode_fake,1,3)", "dob"),
            block_on("substr(postcode_fake,1,3)", "first_name"),
            block_on("substr(postcode_fake,1,3)", "surname"),
            block_on("substr(first_name,1,2)", "substr(surname,1,2)", "substr(dob,1,4)"),
        ],
        "sure": [
            "l.first_name = r.first_name and l.surname = r.surname and l.dob = r.dob",
            (
                "substr(l.first_name,1,2) = substr(r.first_name,1,2) and l.surname = r.surname"
                " and substr(l.postcode_fake,1,2) = substr(r.postcode_fake,1,2)"
            ),
            "l.dob = r.dob and l.postcode_fake = r.postcode_fake",
        ],
        "recall": 0.6,
        "passes": [block_on("first_name", "surname"), block_on("dob")],
    }


def _fake() -> dict[str, Any]:
    import splink.comparison_library as cl  # noqa: PLC0415 - loaded in a process of its own
    from splink import block_on  # noqa: PLC0415 - the same

    return {
        "select": "*",
        "comparisons": [
            cl.NameComparison("first_name"),
            cl.NameComparison("surname"),
            cl.DateOfBirthComparison("dob", input_is_string=True),
            cl.ExactMatch("city").configure(term_frequency_adjustments=True),
            cl.EmailComparison("email"),
        ],
        "blocks": [block_on("first_name", "city"), block_on("surname"), block_on("dob"), block_on("email"), block_on("first_name")],
        "sure": [
            block_on("first_name", "dob"),
            "l.first_name = r.first_name and levenshtein(r.surname, l.surname) <= 2",
            block_on("email"),
        ],
        "recall": 0.7,
        "passes": [block_on("first_name", "surname"), block_on("dob")],
    }


def _foreigners() -> dict[str, Any]:
    import splink.comparison_library as cl  # noqa: PLC0415 - loaded in a process of its own
    from splink import block_on  # noqa: PLC0415 - the same

    return {
        "select": "*",
        "comparisons": [
            cl.NameComparison("fname").configure(term_frequency_adjustments=True),
            cl.NameComparison("surname").configure(term_frequency_adjustments=True),
            cl.DateOfBirthComparison("date", input_is_string=True, datetime_format="%Y/%m/%d", invalid_dates_as_null=True),
            cl.ExactMatch("region").configure(term_frequency_adjustments=True),
            cl.ExactMatch("country").configure(term_frequency_adjustments=True),
        ],
        "blocks": [
            block_on("fname", "surname"),
            block_on("surname", "date"),
            block_on("fname", "date"),
            block_on("date", "substr(surname,1,1)"),
            block_on("date", "substr(fname,1,1)"),
            block_on("substr(fname,1,3)", "substr(surname,1,3)", "substr(date,1,4)"),
            block_on("substr(fname,1,3)", "substr(surname,1,3)", "substr(date,6,5)"),
        ],
        "sure": [block_on("fname", "surname", "date")],
        "recall": 0.5,
        "passes": [block_on("fname", "surname"), block_on("date")],
    }


def _transactions() -> dict[str, Any]:
    import splink.comparison_level_library as cll  # noqa: PLC0415 - loaded in a process of its own
    import splink.comparison_library as cl  # noqa: PLC0415 - the same
    from splink import block_on  # noqa: PLC0415 - the same

    amount = cl.CustomComparison(
        output_column_name="amount",
        comparison_levels=[
            cll.NullLevel("amount"),
            cll.ExactMatchLevel("amount"),
            cll.PercentageDifferenceLevel("amount", 0.01),
            cll.PercentageDifferenceLevel("amount", 0.03),
            cll.PercentageDifferenceLevel("amount", 0.1),
            cll.PercentageDifferenceLevel("amount", 0.3),
            cll.ElseLevel(),
        ],
    )
    day = cl.CustomComparison(
        output_column_name="transaction_date",
        comparison_levels=[
            cll.NullLevel("transaction_date"),
            *(cll.CustomLevel(f"date_diff('day', transaction_date_l, transaction_date_r) between 0 and {days}") for days in (1, 4, 10, 30)),
            cll.ElseLevel(),
        ],
    )
    memo = cl.CustomComparison(
        output_column_name="memo",
        comparison_levels=[
            cll.NullLevel("memo"),
            cll.ExactMatchLevel("memo"),
            *(cll.CustomLevel(f"substr(memo_l, 1, {letters}) = substr(memo_r, 1, {letters})") for letters in (12, 8, 6, 3)),
            cll.ElseLevel(),
        ],
    )
    return {
        "select": "* exclude (transaction_date, amount), cast(transaction_date as date) as transaction_date, cast(amount as double) as amount",
        "comparisons": [amount, day, memo],
        "blocks": [
            block_on("strftime(transaction_date, '%Y%m')", "substr(memo, 1, 3)", "round(amount / 2) * 2"),
            block_on("strftime(transaction_date, '%Y%m')", "substr(memo, 1, 3)", "round((amount + 1) / 2) * 2"),
            block_on("strftime(transaction_date, '%Y%m')", "substr(memo, 1, 6)"),
            (
                "strftime(l.transaction_date + interval 15 day, '%Y%m') = strftime(r.transaction_date, '%Y%m')"
                " and substr(l.memo, 1, 6) = substr(r.memo, 1, 6)"
            ),
            block_on("amount", "strftime(transaction_date, '%Y%m')"),
        ],
        "sure": [block_on("memo", "amount")],
        "recall": 0.2,
        "passes": [block_on("memo"), block_on("amount")],
        "sample": 2e6,
    }


_SETUPS = {"febrl": _febrl, "historical_50k": _historical, "fake_1000": _fake, "foreigners": _foreigners, "transactions": _transactions}
