"""Studies of the user's own: from words and files to configurations, and back from the file that a study keeps."""

import json
from pathlib import Path
from typing import Any

import pytest
from running import assert_refused, here

from binarygan.config import MemberConfig
from binarygan.errors import UserError
from binarygan.paper import FIDELITIES, paper_config
from study.commands.resolved import keep_study_file
from study.commands.search import _keep_study_file as keep_search_file
from study.design.fields import fields_table, known_fields, typed
from study.design.grids import GRIDS
from study.design.spaces import SPACES
from study.design.studies import grid_asked, settings_asked, space_asked
from study.options import parse
from study.search.search import Search
from study.store.store import Store
from study.store.study_file import NAME, read_study_file

SMALL: dict[str, Any] = {"data_digest": "0" * 16, "train_images": 640, "epochs": 2}


def cells(words: str, fidelity: str = "as-described", **common: Any) -> list[MemberConfig]:
    options = parse(words.split())
    return grid_asked(options).cells(fidelity, asked=options.asked, **SMALL | common | settings_asked(options))


def test_a_sweep_is_every_value_with_every_other() -> None:
    found = cells("--sweep slope_rate=1,1.05,1.2 learning_rate=1e-4,5e-4 --set neuron=stochastic --study mine")
    assert [(c.slope_rate, c.learning_rate) for c in found] == [(s, r) for s in (1.0, 1.05, 1.2) for r in (1e-4, 5e-4)]
    usual = paper_config(fidelity="as-described", objective="wgan-gp", neuron="stochastic", **SMALL)
    assert {MemberConfig.from_dict(c.to_dict() | {"slope_rate": 1.1, "learning_rate": 1e-4}) for c in found} == {usual}


def test_parts_own_parameters_are_fields() -> None:
    found = cells("--sweep estimator.temperature=0.5,1 --set estimator=gumbel neuron=stochastic --study mine")
    assert [json.loads(c.part_parameters) for c in found] == [{"estimator.temperature": t} for t in (0.5, 1.0)]


def test_a_grid_is_crossed_with_a_sweep() -> None:
    found = cells("--grid paper-neurons --sweep learning_rate=1e-4,2e-4 --study mine")
    assert [(c.neuron, c.learning_rate) for c in found] == [
        (n, r) for n in ("deterministic", "stochastic", "real") for r in (1e-4, 2e-4)
    ]


def test_set_overrides_what_all_of_a_grid_have_and_no_axis() -> None:
    assert {c.architecture for c in cells("--grid paper-architectures --set architecture=mlp")} == {"mlp"}
    with pytest.raises(UserError, match="this grid has neuron deterministic, stochastic, real of its own"):
        cells("--grid paper-neurons --set neuron=real")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--sweep slope_rate=1,1.1", "name it, --study NAME"),
        ("--sweep slop_rate=1 --study x", "there is no field 'slop_rate': did you mean 'slope_rate'"),
        ("--sweep seed=1,2 --study x", "seed is not chosen here: each configuration gets the seeds of --seeds"),
        ("--sweep neuron=real,dbn --study x", "--sweep neuron=dbn: no such value: known: deterministic"),
        ("--sweep epochs=1.5 --study x", "--sweep epochs=1.5: it must be a whole number"),
        ("--sweep slope_rate=1,1.0 --study x", "this grid has one configuration twice"),
        ("--sweep slope_rate --study x", "slope_rate is not FIELD=VALUE"),
        ("--sweep slope_rate=1,2 --set slope_rate=1 --study x", "slope_rate is also given to all configurations"),
        ("--sweep objective=gan,wgan-gp --set penalty_weight=5 --study x", "penalty_weight has no effect with"),
        ("--sweep slope_rate=1,2 --search mlp --study x", "--search and --sweep are two commands"),
        ("--grid paper-neurons --sweep neuron=real --study x", "--sweep neuron: the grid has neuron of its own"),
        ("--grid paper --set learning_rate=1e-3,1e-4", "--set learning_rate has one value, not 2: use --sweep"),
        ("--grid paper --set learning_rate=nan", "learning_rate=nan must be a finite number"),
        ("--grid paper --set epochs=3 --epochs 3", "--set epochs and --epochs: leave out one of them"),
        ("--grid paper --set dtype=tf32 --precision fp32", "--set dtype and --precision: leave out one of them"),
        ("--sweep slope_rate=1.2 --set slope_rate=1 --study x", "slope_rate is also given to all configurations"),
        ("--grid paper --set split=train split=all", "--set split=all: split is named twice"),
    ],
)
def test_what_a_sweep_cannot_be_is_one_line(words: str, said: str) -> None:
    with pytest.raises(UserError) as refused:
        cells(words)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_every_field_is_listed_with_what_it_may_be() -> None:
    known = known_fields()
    lines = "\n".join(fields_table("as-described"))
    assert all(f"{name}" in lines for name in known)
    assert "deterministic|stochastic|real; default: deterministic" in lines
    assert "estimator.temperature of estimator=reinmax" in lines
    assert "a number at least 1, at most 100; default: 1.0" in lines
    assert list(fields_table("as-released", ["slope_rate"]))[1] == "    a number above 0; default: 1.0"
    with pytest.raises(UserError, match="--fields: there is no field 'slope': did you mean 'slope_rate'"):
        list(fields_table("as-described", ["slope"]))


@pytest.mark.parametrize("name", known_fields())
def test_every_default_is_a_value_that_the_field_may_be(name: str) -> None:
    usual = paper_config(fidelity="as-described", objective="wgan-gp", **SMALL).to_dict()
    for field in known_fields()[name]:
        default = usual.get(name) if field.default is None else field.default
        assert typed([(name, str(default))], "--set") == {name: [default]}


FILE = """
name = "slopes"
variant = "as-released"
seeds = 3
[set]
neuron = "stochastic"
estimator = "gumbel"
estimator_temperature_goes_here
[sweep]
slope_rate = [1.0, 1.2]
[[claims]]
says = "Faster is better."
metric = "fid"
runs = { slope_rate = 1.2 }
is = "lower"
than = { slope_rate = 1.0 }
by = 1.1
"""


def written(tmp_path: Path, text: str) -> str:
    path = tmp_path / "my.toml"
    path.write_text(text)
    return str(path)


def test_a_file_says_what_the_options_would(tmp_path: Path) -> None:
    text = FILE.replace("estimator_temperature_goes_here", '"estimator.temperature" = 0.5')
    options = parse(["--file", written(tmp_path, text), "--seeds", "5"])
    assert (options.study, options.fidelity, options.seeds) == ("slopes", "as-released", 5)
    found = grid_asked(options).cells(options.fidelity, **SMALL, **settings_asked(options))
    words = "--sweep slope_rate=1,1.2 --set neuron=stochastic estimator=gumbel estimator.temperature=0.5 --study x"
    assert found == cells(words, "as-released")
    assert options.described is not None
    (claim,) = options.described.claims
    assert (claim.relation, claim.runs, claim.than, claim.by) == (
        "lower",
        {"slope_rate": 1.2},
        {"slope_rate": 1.0},
        1.1,
    )


RANGE = 'name = "x"\n[search]\ntrials = 1\n[search.space]\n'
REFUSED = {
    "no file": (None, "does not exist"),
    "no TOML": ("name = ", "is no TOML"),
    "no name": ("seeds = 1", "name '' is no name of a folder"),
    "a name that leads elsewhere": ('name = "../x"', "name '../x' is no name of a folder"),
    "a part and its parameter without quotes": (
        'name = "x"\n[set]\nestimator = "gumbel"\nestimator.temperature = 0.5',
        'quote a name with a dot: "estimator.temperature" = 0.5',
    ),
    "an unknown key": ('name = "x"\nseed = 3', "'seed' is unknown: did you mean 'seeds'"),
    "a wrong type": ('name = "x"\nseeds = "3"', "seeds = '3' must be a whole number"),
    "a truth for a number": ('name = "x"\nseeds = true', "seeds = True must be a whole number"),
    "a field outside its table": ('name = "x"\nepochs = 2', "'epochs' is a field: write it under [set]"),
    "a variant": ('name = "x"\nvariant = "as-is"', "variant 'as-is' is unknown"),
    "nothing to train": ('name = "x"', "names no configurations"),
    "two studies": ('name = "x"\ngrid = "paper"\n[search]\nspace = "mlp"', "grid and search are two studies"),
    "an unknown field": ('name = "x"\n[set]\nnuron = "real"', "set: there is no field 'nuron': did you mean 'neuron'"),
    "a field of the command": ('name = "x"\n[sweep]\nseed = [1]', "sweep: seed is not chosen here"),
    "an axis that is no list": ('name = "x"\n[sweep]\nneuron = "real"', "sweep.neuron = 'real' must be a list"),
    "a value of another type": ('name = "x"\n[set]\nlearning_rate = "fast"', "learning_rate='fast' must be a finite"),
    "an unknown value": ('name = "x"\n[sweep]\nneuron = ["dbn"]', "my.toml: sweep: neuron = 'dbn' is unknown"),
    "a search without a space": ('name = "x"\n[search]\ntrials = 3', "search has no space"),
    "a search's option": (
        'name = "x"\n[search]\nspace = "mlp"\ntrial = 3',
        "'trial' is unknown: did you mean 'trials'",
    ),
    "an unknown sampler": (
        'name = "x"\n[search]\nspace = "mlp"\ntrials = 1\nsampler = "best"',
        "invalid choice: 'best'",
    ),
    "a range without an end": (
        'name = "x"\n[search]\ntrials = 1\n[search.space]\nbeta1 = { low = 0.1 }',
        "search.space.beta1",
    ),
    "a key of a range": (
        RANGE + "learning_rate = { low = 1e-5, high = 1e-3, lgo = true }",
        "search.space.learning_rate: 'lgo' is unknown",
    ),
    "a truth in words": (
        RANGE + 'learning_rate = { low = 1e-5, high = 1e-3, log = "no" }',
        "search.space.learning_rate: log is true or false",
    ),
    "a range out of bounds": (
        'name = "x"\n[search]\ntrials = 1\n[search.space]\nlearning_rate = { low = -1.0, high = 1e-3 }',
        "search.space.learning_rate: learning_rate = -1.0 must be above 0",
    ),
    "a condition on no field": (
        RANGE + 'slope_rate = { low = 1, high = 2, when = { nuron = "real" } }',
        "search.space.slope_rate: when: there is no field 'nuron'",
    ),
    "a condition on no value": (
        RANGE + 'slope_rate = { low = 1, high = 2, when = { neuron = ["dbn"] } }',
        "search.space.slope_rate: when: neuron = 'dbn' is unknown",
    ),
    "a claim about no field": (
        'name = "x"\n[set]\n[[claims]]\nsays = "y"\nmetric = "fid"\nruns = { slop = 1 }\nis = "above"\nby = 1',
        "claims: runs: there is no field 'slop'",
    ),
    "a field that is set and swept": (
        'name = "x"\n[set]\nslope_rate = 1.0\n[sweep]\nslope_rate = [1.2]',
        "slope_rate is also given to all configurations",
    ),
    "a claim without runs": ('name = "x"\n[set]\n[[claims]]\nsays = "y"\nmetric = "fid"', "claims: runs is missing"),
    "a claim's metric": (
        'name = "x"\n[set]\n[[claims]]\nsays = "y"\nmetric = "fidd"\nruns = {}\nis = "above"\nby = 1',
        "metric 'fidd' is unknown: did you mean 'fid'",
    ),
    "a claim of one side": (
        'name = "x"\n[set]\n[[claims]]\nsays = "y"\nmetric = "fid"\nruns = {}\nis = "lower"\nby = 2',
        "claims: lower needs than",
    ),
    "a claim that says nothing": (
        'name = "x"\n[set]\n[[claims]]\nsays = " "\nmetric = "fid"\nruns = {}\nis = "above"\nby = 1',
        "claims: says is empty",
    ),
    "a factor that is no number": (
        'name = "x"\n[set]\n[[claims]]\nsays = "y"\nmetric = "fid"\nruns = {}\nthan = {}\nis = "lower"\nby = nan',
        "by = nan must be a finite number",
    ),
    "a factor of one": (
        'name = "x"\n[set]\n[[claims]]\nsays = "y"\nmetric = "fid"\nruns = {}\nthan = {}\nis = "lower"\nby = 1',
        "by = 1 is a factor: it must be above 1",
    ),
}


def asked_of(path: str) -> None:
    options = parse(["--file", path])
    if options.search:
        space_asked(options, options.search)
    grid_asked(options).cells(options.fidelity, **SMALL | settings_asked(options))


@pytest.mark.parametrize("what", REFUSED)
def test_what_a_file_cannot_say_is_one_line_with_file_and_key(what: str, tmp_path: Path) -> None:
    text, words = REFUSED[what]
    path = written(tmp_path, text) if text is not None else str(tmp_path / "none.toml")
    with pytest.raises(UserError) as refused:
        asked_of(path)
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("--grid paper", "--file and --grid are two commands"),
        ("--fidelity as-described", "says as-released: leave the option out"),
        ("--set neuron=real", "--set neuron: "),
        ("--retrain 01234567", "--file and --retrain are two commands"),
    ],
)
def test_an_option_that_contradicts_the_file_is_refused(option: str, words: str, tmp_path: Path) -> None:
    text = FILE.replace("estimator_temperature_goes_here", "")
    with pytest.raises(UserError) as refused:
        settings_asked(parse(["--file", written(tmp_path, text), *option.split()]))
    assert words in str(refused.value)


def test_a_file_from_elsewhere_loads_no_plugin_by_itself(tmp_path: Path) -> None:
    mark = tmp_path / "loaded"
    plugin = tmp_path / "mine.py"
    plugin.write_text(f"open({str(mark)!r}, 'w')\n")
    path = written(tmp_path, 'name = "x"\n[set]\n[[plugins]]\nname = "mine.py"\ndigest = "0123456789abcdef"\n')
    assert_refused(
        here("--file", path), "needs the plugin mine.py (digest 0123456789abcdef): read it, then give --plugin"
    )
    assert_refused(here("--file", path, "--plugin", plugin), "was made with mine.py of digest 0123456789abcdef")
    assert not mark.exists()


@pytest.mark.parametrize("fidelity", FIDELITIES)
@pytest.mark.parametrize("grid", GRIDS)
def test_the_file_that_a_study_keeps_repeats_it(grid: str, fidelity: str, tmp_path: Path) -> None:
    options = parse(["--grid", grid, "--seeds", "3"])
    before = GRIDS[grid].cells(fidelity, **SMALL)
    store = Store(tmp_path, "mine")
    store.folder.mkdir()
    keep_study_file(store, options, before, fidelity)
    again = parse(["--file", str(store.folder / NAME)])
    assert (again.study, again.seeds, again.fidelity, again.data) == ("mine", 3, fidelity, "mnist")
    found = grid_asked(again).cells(again.fidelity, data_digest="0" * 16, asked=again.asked, **settings_asked(again))
    assert found == before
    assert again.described is not None
    assert again.described.data_digest == "0" * 16


def test_seeds_in_the_file_are_the_most_that_were_asked_for(tmp_path: Path) -> None:
    store = Store(tmp_path, "mine")
    store.folder.mkdir()
    found = GRIDS["paper-neurons"].cells("as-described", **SMALL)
    for seeds, expected in (("3", 3), ("1", 3), ("4", 4)):
        keep_study_file(store, parse(["--grid", "paper-neurons", "--seeds", seeds]), found, "as-described")
        assert read_study_file(store.folder / NAME).seeds == expected


@pytest.mark.parametrize("name", SPACES)
def test_the_file_that_a_search_keeps_has_its_space(name: str, tmp_path: Path) -> None:
    options = parse(["--search", name, "--trials", "7", "--seeds", "2", "--sampler", "random"])
    search = Search(space=SPACES[name], metrics=("fid", "kid"), seeds=2, fidelity="as-described", fields=SMALL)
    store = Store(tmp_path, "mine")
    store.folder.mkdir()
    keep_search_file(store, options, search, "0" * 16)
    again = parse(["--file", str(store.folder / NAME)])
    assert (again.search, again.seeds, again.searches.trials, again.searches.sampler) == (name, 2, 7, "random")
    assert again.searches.metrics == ("fid", "kid")
    assert space_asked(again, name).to_dict() == SPACES[name].to_dict()
    assert settings_asked(again) == {k: v for k, v in search.fields.items() if k != "data_digest"}


def test_a_claim_about_the_only_configuration_is_kept(tmp_path: Path) -> None:
    text = 'name = "x"\n[set]\n[[claims]]\nsays = "y"\nmetric = "fid"\nruns = {}\nis = "below"\nby = 20\n'
    options = parse(["--file", written(tmp_path, text)])
    store = Store(tmp_path, "x")
    store.folder.mkdir()
    keep_study_file(store, options, grid_asked(options).cells("as-described", **SMALL), "as-described")
    assert options.described is not None
    assert read_study_file(store.folder / NAME).claims == options.described.claims != ()


def test_claims_in_a_studys_folder_outlive_commands_that_bring_none(tmp_path: Path) -> None:
    store = Store(tmp_path, "x")
    store.folder.mkdir()
    words = ["--sweep", "slope_rate=1,1.2", "--study", "x"]
    options = parse(words)
    found = grid_asked(options).cells("as-described", **SMALL)
    keep_study_file(store, options, found, "as-described")
    path = store.folder / NAME
    path.write_text(
        path.read_text() + '\n[[claims]]\nsays = "mine"\nmetric = "fid"\nruns = {}\nis = "below"\nby = 20\n'
    )
    keep_study_file(store, parse([*words, "--seeds", "5"]), found, "as-described")
    kept = read_study_file(path)
    assert ([c.says for c in kept.claims], kept.seeds) == (["mine"], 5)


SPACE = """
name = "x"
[set]
estimator = "gumbel"
[search]
trials = 3
[search.space]
"estimator.temperature" = { low = 0.1, high = 1.0 }
penalty_weight = { low = 1, high = 100 }
slope_rate = { low = 1, high = 2, when = { neuron = "stochastic" } }
neuron = ["stochastic"]
"""


def test_a_space_may_have_its_fields_in_any_order(tmp_path: Path) -> None:
    options = parse(["--file", written(tmp_path, SPACE)])
    space = space_asked(options, "x")
    assert space.parameters[0].name == "neuron"
    drawn = list(space.drawn(8, "as-described", **SMALL, **settings_asked(options)))
    assert len({config.part_parameters for config in drawn}) == 8
    assert all(config.penalty_weight != round(config.penalty_weight or 0) for config in drawn)


def test_a_file_of_other_data_is_refused_by_grids_and_searches(tmp_path: Path) -> None:
    head = 'name = "x"\ndata = { name = "mnist", digest = "0000000000000000" }\n'
    for what in ('[set]\nneuron = "real"\n', '[search]\nspace = "mlp"\ntrials = 1\n'):
        outcome = here("--file", written(tmp_path, head + what), "--plan", "--results", tmp_path / "r")
        assert_refused(outcome, "its data has digest 0000000000000000, --data mnist has")


def test_a_precision_of_gpus_is_refused_on_a_cpu(tmp_path: Path) -> None:
    words = ["--grid", "paper-neurons", "--set", "dtype=tf32", "--device", "cpu", "--results", tmp_path]
    assert_refused(here(*words), "dtype tf32 is a GPU's")


def test_a_space_that_draws_what_cannot_be_trained_is_refused_first(tmp_path: Path) -> None:
    """Gumbel's gradient is a stochastic neuron's: a search would end where it draws it with another."""
    spaces = {
        'neuron = ["deterministic", "stochastic"]\nestimator = ["sigmoid", "gumbel"]\n': "gumbel",
        'neuron = ["stochastic"]\ndtype = ["float32", "tf32"]\n': "dtype tf32 is a GPU's",
    }
    for space, words in spaces.items():
        path = written(tmp_path, f'name = "x"\n[search]\ntrials = 3\n[search.space]\n{space}')
        for more in ((), ("--plan",)):
            outcome = here("--file", path, "--device", "cpu", "--results", tmp_path / "r", *more)
            assert_refused(outcome, words)
    assert not (tmp_path / "r").exists()


@pytest.mark.parametrize("name", SPACES)
def test_every_space_draws_what_can_be_trained(name: str) -> None:
    assert len(list(SPACES[name].drawn(200, "as-released", **SMALL))) == 200


@pytest.mark.parametrize(
    ("runs", "words"),
    [
        ("{ critic_steps = 7 }", "runs (critic_steps = 7) means no configuration of this study"),
        ('{ neuron = "stochastic" }', "means 2 configurations of this study: name slope_rate, too"),
        ("{ slope_rate = 1.1 }", "'x' compares a configuration with itself"),
    ],
)
def test_claims_mean_one_configuration_each_before_anything_is_trained(runs: str, words: str, tmp_path: Path) -> None:
    claim = (
        f'[[claims]]\nsays = "x"\nmetric = "fid"\nruns = {runs}\nis = "lower"\nby = 9\nthan = {{ slope_rate = 1.1 }}\n'
    )
    path = written(tmp_path, f'name = "x"\n[set]\nneuron = "stochastic"\n[sweep]\nslope_rate = [1.0, 1.1]\n{claim}')
    assert_refused(here("--file", path, "--plan", "--results", tmp_path / "r"), words)
