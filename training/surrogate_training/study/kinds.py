"""All kinds of studies: how each is read and run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, TypeAdapter

from surrogate_training.progress import Callback, silent
from surrogate_training.study.config import StudyConfig
from surrogate_training.study.edge_cases import run_edge_cases
from surrogate_training.study.edge_cases_config import EdgeCasesConfig
from surrogate_training.study.runner import run_study
from surrogate_training.study.sampling import run_sampling
from surrogate_training.study.sampling_config import SamplingConfig
from surrogate_training.study.subsets import run_subsets
from surrogate_training.study.subsets_config import SubsetsConfig
from surrogate_training.toml_files import FOLDER, merged, read_toml

AnyStudy = Annotated[StudyConfig | SubsetsConfig | SamplingConfig | EdgeCasesConfig, Field(discriminator="kind")]
#: What each study's figure shows, for documents.
FIGURES = {
    "training-set-size": "Error against training-set size",
    "losses": "Error by region and loss",
    "seeds": "Error by region over seeds",
    "hyperparameters": "Error against each hyperparameter",
    "subsets": "Errors of networks of parts of the space on all parts",
    "sampling": "Error against training samples for three ways to choose them",
    "edge-cases": "The largest error found against problems tried, and the worst problems",
}
_ANY: TypeAdapter[AnyStudy] = TypeAdapter(AnyStudy)


def read_any(path: str | Path, *, published: bool = False, **changes: Any) -> AnyStudy:
    """Read a TOML file, or a study that ships, by its name.

    Parameters
    ----------
    path : str or Path
    published : bool
        At the published scale: what ``configs/scales/published.toml`` says of such a study is laid over it.
    changes
        Replace fields of the study.

    Raises
    ------
    ConfigurationError
        If there is no such file, or it is no TOML.
    pydantic.ValidationError
        Names the field and what is allowed.
    """
    given = read_toml(path)
    if published:
        scale = read_toml(FOLDER / "scales" / "published.toml")
        given = merged(merged(given, scale["all"]), scale.get(str(given.get("kind")), {}))
    return _ANY.validate_python(given | changes)


def run_any(config: AnyStudy, folder: Path, callback: Callback = silent, *, train: bool = True) -> None:
    """Run what of a study is not there yet, or with ``train`` false nothing; write ``table.md`` and ``<kind>.png``.

    Raises
    ------
    ValueError
        If nothing is finished that could be reported on, or the folder holds a study with other settings.
    """
    if not train and not (folder / "study.json").is_file():
        raise ValueError(f"{folder} holds no study; without a report to write, the same command begins one.")
    run: dict[type[AnyStudy], Any] = {
        StudyConfig: run_study,
        SubsetsConfig: run_subsets,
        SamplingConfig: run_sampling,
        EdgeCasesConfig: run_edge_cases,
    }
    if not run[type(config)](config, folder, callback, train=train):
        raise ValueError(f"nothing of the study in {folder} is finished yet, so that there is nothing to report.")
