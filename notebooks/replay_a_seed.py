"""Does it happen again, and what makes it go away?

timeline notebook replay_a_seed --db timeline.duckdb
python notebooks/replay_a_seed.py --db timeline.duckdb --finding ID --switch NAME=off
python notebooks/replay_a_seed.py --seed leak.seed.json --policy NAME=VALUE
"""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="full", app_title="Replay a seed")

with app.setup:
    import marimo as mo

    from timeline.pages import charts, opening, replay_view
    from timeline.pages.display import safe_answer, safe_dropdown, safe_lines, safe_multiselect, safe_notes, safe_table, safe_text


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Does it happen again, and what makes it go away?
    """)
    return


@app.cell(hide_code=True)
def answered(comparison, failure, seed):
    safe_answer(failure or replay_view.answer(seed, comparison))
    return


@app.cell(hide_code=True)
def inputs():
    given: opening.Given = opening.given(mo.cli_args().to_dict(), mo.query_params().to_dict())
    return (given,)


@app.cell(hide_code=True)
def opened_log(given: opening.Given):
    opened: opening.Opening = opening.opening(given)
    sources: dict[str, replay_view.Source] = replay_view.sources(opened, given)
    mo.stop(not sources, safe_answer(opened.says))
    return opened, sources


@app.cell(hide_code=True)
def noted(begin: replay_view.Begin, opened: opening.Opening):
    safe_notes([*opened.asked.notes, begin.note])
    return


@app.cell(hide_code=True)
def choose_source(given: opening.Given, opened: opening.Opening, sources: dict[str, replay_view.Source]):
    begin: replay_view.Begin = replay_view.begin(sources, opened.asked.finding, given.place.get("seed"))
    source_choice = safe_dropdown(sources, begin.label, label="What to replay")
    upload_choice = mo.ui.file(filetypes=[".json"], max_size=4_000_000, label="or hand in a seed file")
    mo.hstack([source_choice, upload_choice], justify="start", wrap=True)
    return begin, source_choice, upload_choice


@app.cell(hide_code=True)
def exported(opened: opening.Opening, source_choice, sources: dict[str, replay_view.Source], upload_choice):
    source: replay_view.Source = replay_view.handed_in(upload_choice.name(), upload_choice.contents()) or sources[source_choice.value]
    seed, choices, problem = replay_view.prepared(source, opened.there)
    mo.stop(bool(problem), safe_answer(problem))
    return choices, seed, source


@app.cell(hide_code=True)
def choose_changes(choices, given: opening.Given, seed):
    on = replay_view.turned(replay_view.flags(given.flags, "switch"), seed)
    switch_choice = safe_multiselect(dict.fromkeys([*choices.switches, *on]), on, label="Switches that are on")
    policy = "\n".join(replay_view.flags(given.flags, "policy"))
    policy_choice = mo.ui.text_area(value=policy, label="Other policy, NAME=VALUE a line", rows=2)
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
def what_can_be_changed(choices, comparison, given: opening.Given, seed, source: replay_view.Source):
    mo.vstack(
        [
            mo.md("## What can be changed"),
            safe_table(replay_view.CHOICE_HEADINGS, replay_view.choice_rows(seed, choices)),
            safe_table(replay_view.POLICY_HEADINGS, replay_view.policy_rows(choices)),
            mo.md("## The same without this page"),
            safe_lines(replay_view.command_line(source, given.database, comparison)),
        ]
    )
    return


if __name__ == "__main__":
    app.run()
