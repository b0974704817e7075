"""Does it happen again, and what makes it go away?

timeline notebook replay_a_seed --db timeline.duckdb
python notebooks/replay_a_seed.py --db timeline.duckdb --finding ID --switch NAME=off
python notebooks/replay_a_seed.py --seed leak.seed.json --policy NAME=VALUE
"""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="full", app_title="Replay a seed")

with app.setup:
    from pathlib import Path

    import marimo as mo

    from timeline.links import place_of
    from timeline.pages import charts, opening, replay_view
    from timeline.pages.display import label_of, safe_lines, safe_notes, safe_options, safe_table, safe_text
    from timeline.terminal import print_line


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Does it happen again, and what makes it go away?
    """)
    return


@app.cell(hide_code=True)
def answered(comparison, failure, seed):
    answer = failure or replay_view.answer(seed, comparison)
    if mo.app_meta().mode == "script":
        print_line(answer)
    safe_text(answer, "answer")
    return


@app.cell(hide_code=True)
def inputs():
    database = opening.database_of(mo.cli_args().to_dict())
    return (database,)


@app.cell(hide_code=True)
def address():
    _given = mo.cli_args().to_dict()
    place = place_of({**_given, **mo.query_params().to_dict()})
    seed_file = Path(_given["seed"]) if "seed" in _given else None
    wanted = {name: replay_view.flags(_given, name) for name in ("switch", "policy")}
    return place, seed_file, wanted


@app.cell(hide_code=True)
def opened_log(database, place, seed_file):
    opened = opening.opening(database)
    log = opened.log
    asked = opening.asked_of(opened, place)
    sources = replay_view.sources(log, asked.run or next(iter(opened.runs), None), Path(database).parent, seed_file)
    mo.stop(not sources, safe_text(opened.says, "answer"))
    return asked, log, sources


@app.cell(hide_code=True)
def noted(asked, begin):
    safe_notes([*asked.notes, begin.note])
    return


@app.cell(hide_code=True)
def choose_source(asked, place, seed_file, sources):
    labels = safe_options(sources, most=160)
    begin = replay_view.begin(sources, asked.finding, None if seed_file else place.get("seed"))
    source_choice = mo.ui.dropdown(labels, value=label_of(labels, begin.label), label="Replay")
    upload_choice = mo.ui.file(filetypes=[".json"], max_size=4_000_000, label="or hand in a seed file")
    mo.hstack([source_choice, upload_choice], justify="start", wrap=True)
    return begin, source_choice, upload_choice


@app.cell(hide_code=True)
def exported(log, source_choice, sources, upload_choice):
    source = replay_view.handed_in(upload_choice.name(), upload_choice.contents()) or sources[source_choice.value]
    seed, choices, problem = replay_view.prepared(source, log)
    mo.stop(bool(problem), safe_text(problem, "answer"))
    return choices, seed, source


@app.cell(hide_code=True)
def choose_changes(choices, seed, wanted):
    own = [name for name, is_on in seed.scenario.switches.items() if is_on]
    on = replay_view.turned(wanted["switch"], own)
    switches = safe_options({**choices.switches, **dict.fromkeys(on)})
    switch_choice = mo.ui.multiselect(
        switches, value=[label for label, name in switches.items() if name in on], label="Switches that are on"
    )
    policy_choice = mo.ui.text_area(value="\n".join(wanted["policy"]), label="Other policy, NAME=VALUE a line", rows=2)
    replay_button = mo.ui.run_button(label="Replay", kind="success")
    mo.vstack([mo.hstack([switch_choice, policy_choice], justify="start", wrap=True), replay_button])
    return policy_choice, replay_button, switch_choice


@app.cell(hide_code=True)
def replayed(choices, policy_choice, replay_button, seed, switch_choice):
    comparison, failure = None, ""
    if replay_button.value or mo.app_meta().mode == "script":
        with mo.status.spinner(title="Replaying, a minute at most"):
            comparison, failure = replay_view.attempt(seed, choices, switch_choice.value, policy_choice.value.splitlines())
    return comparison, failure


@app.cell(hide_code=True)
def fates(comparison, seed):
    mo.stop(comparison is None)
    mo.vstack([mo.md("## What became of every finding"), safe_table(replay_view.FATE_HEADINGS, replay_view.fate_rows(seed, comparison))])
    return


@app.cell(hide_code=True)
def side_by_side(comparison):
    mo.stop(comparison is None or comparison.subject is None)
    before, after = comparison.lanes
    mo.vstack(
        [
            mo.md("## The same object in both\n\nAbove in the recording, below in this replay, on one axis of time."),
            charts.swim_lanes(before, "container") if before else safe_text("Nothing of it is in the recording."),
            charts.swim_lanes(after, "container") if after else safe_text("Nothing of it is in this replay."),
        ]
    )
    return


@app.cell(hide_code=True)
def divergence(comparison):
    mo.stop(comparison is None or comparison.divergence is None)
    mo.vstack(
        [
            mo.md("## The first decision that differs\n\n`-` in the recording, `+` in this replay; above it what both have in common."),
            safe_lines(replay_view.divergence_lines(comparison)),
            safe_table(replay_view.KIND_HEADINGS, replay_view.kind_rows(comparison)),
        ]
    )
    return


@app.cell(hide_code=True)
def what_can_be_changed(choices, comparison, database, seed, source):
    mo.vstack(
        [
            mo.md("## What can be changed"),
            safe_table(replay_view.CHOICE_HEADINGS, replay_view.choice_rows(seed, choices)),
            safe_table(replay_view.POLICY_HEADINGS, replay_view.policy_rows(choices)),
            mo.md("## The same without this page"),
            safe_lines(replay_view.command_line(source, database, comparison)),
        ]
    )
    return


if __name__ == "__main__":
    app.run()
