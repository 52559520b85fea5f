"""Nothing is reported to anybody: the reporting of libraries that this one uses is off.

They read these variables when they are imported, so that this module comes before any of them.
"""

import os

OFF = {
    "DO_NOT_TRACK": "1",  # huggingface_hub, vLLM, and others that know the convention
    "HF_HUB_DISABLE_TELEMETRY": "1",  # transformers, datasets, TRL and PEFT report through it
    "RAY_USAGE_STATS_ENABLED": "0",
    "VLLM_NO_USAGE_STATS": "1",
    "VLLM_DO_NOT_TRACK": "1",
    "WANDB_MODE": "disabled",
}
"""Variable → value that turns a library's reporting off."""


def turn_off() -> None:
    """Turn off what reports on its use, unless the user has set the variable to something else."""
    for name, value in OFF.items():
        os.environ.setdefault(name, value)
