"""GANs whose generators end in binary neurons: data, networks, objectives, training.

PyTorch only: no Ray, no Parquet writing, no command line. Importing the package imports nothing heavy; what the library
offers (`binarygan.library`) is imported when it is first used:

    import binarygan

    config = binarygan.configuration(neuron="stochastic", epochs=2)
    trained = binarygan.train(config)
    print(binarygan.evaluate(binarygan.sample(trained, 10_000))["fid"])
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from binarygan.config import MemberConfig
    from binarygan.data.images import Images, load_images
    from binarygan.library import Trained, configuration, evaluate, sample, train

__version__ = "0.1.0"
__all__ = ["Images", "MemberConfig", "Trained", "configuration", "evaluate", "load_images", "sample", "train"]
_HOMES = {"MemberConfig": "binarygan.config", "Images": "binarygan.data.images", "load_images": "binarygan.data.images"}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'binarygan' has no attribute {name!r}")
    return getattr(import_module(_HOMES.get(name, "binarygan.library")), name)
