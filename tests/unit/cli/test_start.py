"""Which of the lines that libraries log past Python are kept from the user."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from dlkit.training.noise import is_noise

NOISE = [
    b"WARNING: All log messages before absl::InitializeLog() is called are written to STDERR\n",
    b"I0000 00:00:1795213057.626697   19158 port.cc:153] oneDNN custom operations are on.\n",
    b"E0000 00:00:1795213062.524101   19158 cuda_platform.cc:52] failed call to cuInit: INTERNAL: CUDA error: "
    b"Failed call to cuInit: UNKNOWN ERROR (303)\n",
    b"E0000 00:00:1795213062.5 19158 cuda_dnn.cc:8579] Unable to register cuDNN factory: Attempting to register\n",
    b"fully_quantize: 0, inference_type: 6, input_inference_type: FLOAT32, output_inference_type: FLOAT32\n",
    b"INFO: Created TensorFlow Lite XNNPACK delegate for CPU.\n",
]
NEWS = [
    b"W0000 00:00:1795213062.5 19158 gpu_device.cc:2342] Cannot dlopen some GPU libraries.\n",
    b"E0000 00:00:1795213062.5 19158 cuda_platform.cc:52] failed call to cuInit: CUDA error: UNKNOWN ERROR (999)\n",
    b"F0000 00:00:1795213062.5 19158 cpu_feature_guard.cc:38] compiled to use AVX instructions\n",
    b"ImportError: libcublas.so.12: cannot open shared object file\n",
    b"\n",
]


@pytest.mark.parametrize("line", NOISE)
def test_noise(line):
    assert is_noise(line)


@pytest.mark.parametrize("line", NEWS)
def test_news(line):
    assert not is_noise(line)


@pytest.mark.parametrize("end", ["pass", "os.abort()"])
def test_news_come_through_even_where_the_process_dies(repository, end):
    script = f"""
import os
from dlkit.training.noise import without_noise
with without_noise():
    for line in {NOISE + NEWS!r}:
        os.write(2, line)
    {end}
os.write(2, b"afterwards")
"""
    environment = os.environ | {"PYTHONPATH": str(repository)}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, env=environment, check=False)
    died = end != "pass"
    assert done.returncode == (-signal.SIGABRT if died else 0)
    assert done.stderr == b"".join(NEWS) + (b"" if died else b"afterwards")
