"""Who trains together, as the environment tells it."""

from __future__ import annotations

import json

import pytest

from dlkit.errors import DlkitError
from dlkit.training.cluster import Cluster, cluster_of_environment


def tf_config(cluster: object, kind: str = "worker", index: int = 0) -> dict[str, str]:
    return {"TF_CONFIG": json.dumps({"cluster": cluster, "task": {"type": kind, "index": index}})}


def test_without_a_word_there_is_no_cluster() -> None:
    assert cluster_of_environment({}) is None
    assert cluster_of_environment({"SLURM_PROCID": "0", "SLURM_STEP_NUM_TASKS": "1"}) is None


def test_workers_and_a_chief() -> None:
    assert cluster_of_environment(tf_config({"worker": ["a:1", "b:1"]}, index=1)) == Cluster(("a:1", "b:1"), 1)
    with_chief = {"chief": ["c:1"], "worker": ["a:1", "b:1"]}
    assert cluster_of_environment(tf_config(with_chief, "chief")) == Cluster(("c:1", "a:1", "b:1"), 0)
    assert cluster_of_environment(tf_config(with_chief, index=1)) == Cluster(("c:1", "a:1", "b:1"), 2)


def test_what_a_cluster_tells_tensorflow_reads_back() -> None:
    cluster = Cluster(("a:1", "b:1"), 1)
    assert cluster_of_environment({"TF_CONFIG": json.dumps(cluster.tf_config())}) == cluster


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"TF_CONFIG": "{"}, "cannot be understood"),
        ({"TF_CONFIG": '{"cluster": {"worker": ["a:1", "b:1"]}}'}, "cannot be understood (KeyError: 'task')"),
        (tf_config({"worker": ["a:1", "b:1"], "ps": ["c:1"]}), "tasks of the kind `ps`, which Keras 3 does not"),
        (tf_config({"worker": ["a:1", "a:1"]}), "names an address twice"),
        (tf_config({"worker": ["a:1", "b:1"]}, index=2), "the worker 2, which the cluster does not have"),
        (tf_config({"worker": ["a:1", "b:1"]}, "chief"), "the chief 0, which the cluster does not have"),
        (tf_config({"worker": ["a:1"]}), "names one worker only"),
        (tf_config({"worker": {"0": "a:1", "1": "b:1"}}), "which is no list of host:port"),
        (tf_config({"worker": ["a", "b"]}), "which is no list of host:port"),
        (tf_config({"worker": "a:1,b:2"}), "which is no list of host:port"),
        (tf_config({"chief": ["a:1", "b:1"], "worker": ["c:1"]}), "names several chiefs"),
        (
            {
                "TF_CONFIG": json.dumps(
                    {"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 1.9}}
                )
            },
            "no whole number",
        ),
    ],
)
def test_a_wrong_tf_config_is_told_with_one_that_is_right(told: dict[str, str], message: str) -> None:
    with pytest.raises(DlkitError) as raised:
        cluster_of_environment(told)
    assert message in raised.value.message
    assert raised.value.code == "wrong-cluster"
    assert '"worker": ["a:2222", "b:2222"]' in str(raised.value.cure)


def test_slurm_s_variables() -> None:
    slurm = {
        "SLURM_PROCID": "2",
        "SLURM_STEP_NUM_TASKS": "3",
        "SLURM_STEP_NODELIST": "node[1-2]",
        "SLURM_STEP_TASKS_PER_NODE": "2,1",
        "SLURM_JOB_ID": "1234567",
    }
    assert cluster_of_environment(slurm) == Cluster(("node1:24567", "node1:24568", "node2:24567"), 2)
    for wrong in ({"SLURM_STEP_TASKS_PER_NODE": "many"}, {"SLURM_STEP_NUM_TASKS": "two"}, {"SLURM_PROCID": "3"}):
        with pytest.raises(DlkitError, match="Slurm's variables cannot be understood"):
            cluster_of_environment({**slurm, **wrong})
