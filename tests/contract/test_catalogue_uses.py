"""What recipes are likely to say of Keras's components is valid and builds; their likely mistakes are found."""

from __future__ import annotations

from typing import Any

import pytest

from dlkit.recipe.catalogue import catalogue
from dlkit.recipe.check import Checker
from dlkit.recipe.components import Components
from dlkit.recipe.diagnostics import Findings, Source
from dlkit.recipe.graph import Component
from dlkit.recipe.nodes import Mapping, Node, Sequence
from dlkit.recipe.slots import ComponentSlot
from dlkit.recipe.yaml_source import read_text

keras = pytest.importorskip("keras")
MODULES = {
    "layer": keras.layers,
    "optimizer": keras.optimizers,
    "loss": keras.losses,
    "metric": keras.metrics,
    "callback": keras.callbacks,
    "schedule": keras.optimizers.schedules,
    "initializer": keras.initializers,
    "regularizer": keras.regularizers,
    "constraint": keras.constraints,
}
USES = """
layer:
  - Dense: {units: 10, activation: softmax, kernel_regularizer: {L2: {l2: 1e-4}}, kernel_initializer: he_normal}
  - Dense: {units: 1, use_bias: false, kernel_constraint: {MaxNorm: {max_value: 3}}, dtype: float32}
  - Dense: {units: 8, activation: null, bias_initializer: {Constant: {value: -2}}}
  - Conv2D: {filters: 32, kernel_size: 3, padding: same, strides: [2, 2], activation: relu, use_bias: false}
  - Conv2D: {filters: 8, kernel_size: [1, 7], dilation_rate: 2, groups: 2, data_format: channels_last}
  - Conv1D: {filters: 16, kernel_size: 5, padding: causal, dilation_rate: 4}
  - Conv2DTranspose: {filters: 16, kernel_size: 4, strides: 2, padding: same, output_padding: 1}
  - SeparableConv2D: {filters: 16, kernel_size: 3, depth_multiplier: 2, depthwise_initializer: he_uniform}
  - DepthwiseConv2D: {kernel_size: 3, padding: same, depthwise_regularizer: l2}
  - MaxPooling2D
  - MaxPool2D: {pool_size: 3, strides: 2, padding: same}
  - AveragePooling1D: {pool_size: 2}
  - AdaptiveAveragePooling2D: {output_size: [7, 7]}
  - GlobalAveragePooling2D: {keepdims: true}
  - BatchNormalization: {momentum: 0.9, epsilon: 1e-5, scale: false, gamma_initializer: zeros, synchronized: true}
  - LayerNormalization: {axis: [1, 2], epsilon: 1e-6}
  - GroupNormalization: {groups: -1}
  - Dropout: {rate: 0.5, seed: 1, noise_shape: [null, 1, null]}
  - SpatialDropout2D: {rate: 0.2}
  - GaussianNoise: {stddev: 0.1}
  - ActivityRegularization: {l1: 1e-3}
  - Activation: {activation: gelu}
  - LeakyReLU: {negative_slope: 0.2}
  - ReLU: {max_value: 6}
  - PReLU: {shared_axes: [1, 2]}
  - Softmax: {axis: -1}
  - Flatten
  - Reshape: {target_shape: [7, 7, -1]}
  - Permute: {dims: [2, 1]}
  - RepeatVector: {n: 4}
  - Concatenate: {axis: 1}
  - Dot: {axes: [2, 1], normalize: true}
  - Embedding: {input_dim: 20000, output_dim: 128, mask_zero: true, embeddings_initializer: uniform}
  - LSTM: {units: 64, return_sequences: true, dropout: 0.2, recurrent_dropout: 0.1, unroll: false}
  - GRU: {units: 32, reset_after: false, use_cudnn: false, return_state: true}
  - Bidirectional: {layer: {LSTM: {units: 16, return_sequences: true}}, merge_mode: sum}
  - Bidirectional: {layer: {GRU: {units: 4}}, backward_layer: {GRU: {units: 4, go_backwards: true}}, merge_mode: null}
  - TimeDistributed: {layer: {Dense: {units: 3, activation: relu}}}
  - RNN: {cell: {StackedRNNCells: {cells: [{LSTMCell: {units: 3}}, {GRUCell: {units: 2}}]}}, return_sequences: true}
  - SpectralNormalization: {layer: {Conv2D: {filters: 3, kernel_size: 3}}}
  - MultiHeadAttention: {num_heads: 4, key_dim: 32, value_dim: 16, dropout: 0.1, attention_axes: [1], output_shape: 64}
  - GroupQueryAttention: {head_dim: 16, num_query_heads: 8, num_key_value_heads: 2}
  - Attention: {use_scale: true, score_mode: concat}
  - EinsumDense: {equation: "abc,cd->abd", output_shape: [null, 64], bias_axes: d}
  - ZeroPadding2D: {padding: [[1, 0], [1, 0]]}
  - ZeroPadding2D: {padding: 3}
  - Cropping2D: {cropping: [2, 4]}
  - UpSampling2D: {size: 2, interpolation: bilinear}
  - Rescaling: {scale: 1/255}
  - Rescaling: {scale: [0.5, 0.5, 1], offset: -1}
  - Normalization: {axis: null, mean: 0.5, variance: 2}
  - Normalization: {mean: [0.1, 0.2], variance: [1, 2]}
  - Discretization: {bin_boundaries: [0, 1.5, 3], output_mode: one_hot}
  - CategoryEncoding: {num_tokens: 5, output_mode: one_hot}
  - StringLookup: {vocabulary: [a, b], output_mode: multi_hot, num_oov_indices: 0}
  - IntegerLookup: {vocabulary: [3, 5], mask_token: 0}
  - Hashing: {num_bins: 64, salt: [1, 2]}
  - TextVectorization: {max_tokens: 20000, output_sequence_length: 80, standardize: null, split: character}
  - TextVectorization: {output_mode: tf_idf, ngrams: 2, max_tokens: 100, pad_to_max_tokens: true}
  - Resizing: {height: 32, width: 48, interpolation: lanczos3, crop_to_aspect_ratio: true}
  - RandomFlip: {mode: horizontal}
  - RandomRotation: {factor: 0.1, fill_mode: nearest}
  - RandomTranslation: {height_factor: 0.1, width_factor: [-0.1, 0.1], fill_mode: constant}
  - RandomZoom: {height_factor: [-0.2, 0.1]}
  - RandomContrast: {factor: 0.2, value_range: [0, 1]}
  - RandomBrightness: {factor: [-0.2, 0.2], data_format: channels_last}
  - RandomCrop: {height: 28, width: 28}
  - RandomErasing: {factor: 1, scale: [0.02, 0.2], fill_value: 0}
  - RandomGaussianBlur: {kernel_size: [3, 5], sigma: 0.5}
  - RandAugment: {value_range: [0, 255], num_ops: 2, factor: 0.4}
  - AugMix: {factor: [0.1, 0.3]}
  - MixUp: {alpha: 0.2}
  - CutMix
  - Pipeline: {layers: [{RandomFlip: {}}, {RandomRotation: {factor: 0.1}}]}
  - MelSpectrogram: {num_mel_bins: 64, sampling_rate: 16000, sequence_stride: 160, fft_length: 512, max_freq: 8000}
  - STFTSpectrogram: {mode: magnitude, frame_length: 256, frame_step: 128, fft_length: 512, scaling: null}
  - Masking: {mask_value: -1}
optimizer:
  - Adam
  - Adam: {learning_rate: 1e-3, beta_1: 0.5, epsilon: 1e-7, clipnorm: 1, weight_decay: 0}
  - Adam: {learning_rate: {CosineDecay: {initial_learning_rate: 0, decay_steps: 9, warmup_target: 1, warmup_steps: 4}}}
  - AdamW: {weight_decay: 0.05, use_ema: true, ema_momentum: 0.999, ema_overwrite_frequency: 100}
  - SGD: {learning_rate: 1.0, momentum: 0.9, nesterov: true, gradient_accumulation_steps: 4}
  - SGD: {learning_rate: {PiecewiseConstantDecay: {boundaries: [100, 200], values: [0.1, 0.01, 1e-3]}}}
  - RMSprop: {rho: 0.95, centered: true, global_clipnorm: 5.0}
  - Lion: {learning_rate: {PolynomialDecay: {initial_learning_rate: 1e-4, decay_steps: 50, end_learning_rate: 0}}}
  - Adafactor: {relative_step: false, clip_threshold: 1}
  - Muon: {exclude_layers: [head], adam_lr_ratio: 0.1}
  - ScheduleFreeAdamW: {warmup_steps: 100}
  - Ftrl: {l1_regularization_strength: 0.01}
loss:
  - SparseCategoricalCrossentropy: {from_logits: true, ignore_class: -1}
  - CategoricalCrossentropy: {label_smoothing: 0.1}
  - BinaryFocalCrossentropy: {alpha: 0.25, gamma: 2, apply_class_balancing: true}
  - CategoricalFocalCrossentropy: {alpha: [0.2, 0.8]}
  - Huber: {delta: 0.5, reduction: sum}
  - Dice: {axis: [1, 2, 3]}
  - Tversky: {alpha: 0.3, beta: 0.7, reduction: null}
  - CTC
  - CosineSimilarity: {axis: 1}
metric:
  - SparseCategoricalAccuracy: {name: accuracy}
  - SparseTopKCategoricalAccuracy: {k: 5, name: top5}
  - AUC: {curve: PR, num_thresholds: 500, multi_label: true, num_labels: 4, label_weights: [1, 1, 2, 1]}
  - Precision: {thresholds: 0.7, class_id: 1}
  - Recall: {thresholds: [0.3, 0.7], top_k: 2}
  - F1Score: {average: macro, threshold: 0.5}
  - BinaryAccuracy: {threshold: 0}
  - MeanIoU: {num_classes: 21, ignore_class: 255, sparse_y_pred: false}
  - IoU: {num_classes: 3, target_class_ids: [1]}
  - R2Score: {class_aggregation: null}
  - SensitivityAtSpecificity: {specificity: 0.95}
  - MeanAbsoluteError: {dtype: float64}
callback:
  - EarlyStopping: {monitor: val_accuracy, patience: 5, restore_best_weights: true, mode: max, min_delta: 1e-3}
  - ReduceLROnPlateau: {factor: 0.5, patience: 0, min_lr: 1e-6, cooldown: 2, verbose: 1}
  - ModelCheckpoint: {filepath: "{epoch:02d}.keras", save_best_only: true, save_freq: 100, verbose: true}
  - TensorBoard: {log_dir: logs, histogram_freq: 1, update_freq: 100, write_graph: false, profile_batch: 0}
  - CSVLogger: {filename: log.csv, separator: ";", append: true}
  - TerminateOnNaN
schedule:
  - ExponentialDecay: {initial_learning_rate: 0.1, decay_steps: 1000, decay_rate: 0.96, staircase: true}
  - CosineDecayRestarts: {initial_learning_rate: 0.1, first_decay_steps: 100, t_mul: 1, m_mul: 0.9, alpha: 0.01}
  - InverseTimeDecay: {initial_learning_rate: 0.1, decay_steps: 1, decay_rate: 0.5}
initializer:
  - VarianceScaling: {scale: 2, mode: fan_out, distribution: untruncated_normal}
  - RandomNormal: {mean: 0, stddev: 0.02, seed: 3}
  - RandomUniform: {minval: -1, maxval: 1}
  - Orthogonal: {gain: 1.41}
  - glorot_uniform
regularizer:
  - L1L2: {l1: 1e-5, l2: 1e-4}
  - OrthogonalRegularizer: {factor: 0.01, mode: columns}
constraint:
  - MinMaxNorm: {min_value: 0.5, max_value: 2, rate: 0.9, axis: [0, 1, 2]}
  - NonNeg
"""
MISTAKES = """
layer:
  - Dense: {units: 1000000000}
  - Dense: {units: 0}
  - Dense: {units: 1.5}
  - Dense: {units: true}
  - Dense: {activation: relu}
  - Dense: {units: 1, activation: reluu}
  - Dense: {units: 1, activations: relu}
  - Conv2D: {filters: 3, kernel_size: [3, 3, 3]}
  - Conv2D: {filters: 3, kernel_size: 3, padding: causal}
  - Dropout: {rate: 1}
  - Dropout: {rate: -0.1}
  - RandomFlip: {mode: horizontl}
  - CategoryEncoding
  - Lambda
  - Concatenate: {axis: last}
optimizer:
  - Adam: {learning_rate: 0}
  - Adam: {learning_rate: .nan}
  - Adam: {learning_rat: 1e-3}
  - Adam: {beta_1: 1.1}
  - SGD: {gradient_accumulation_steps: 1}
  - LossScaleOptimizer
loss:
  - mean_squared_error
metric:
  - Mean
callback:
  - EarlyStopping: {mode: maximum}
  - EarlyStopping: {patience: -1}
  - ModelCheckpoint
  - LearningRateScheduler
schedule:
  - ExponentialDecay: {initial_learning_rate: 0.1, decay_steps: 0, decay_rate: 0.9}
  - ExponentialDecay: {initial_learning_rate: 0.1, decay_steps: {share: 2}, decay_rate: 0.9}
"""


def written(text: str) -> list[Any]:
    """The entries of a YAML text, as test parameters of kind and node."""
    root = read_text(Source("uses.yaml", text))
    assert isinstance(root, Mapping)
    lists = [(entry.key, entry.node) for entry in root]
    return [
        pytest.param(kind, node, id=text.split("\n")[node.span.line - 1].strip(" -"))
        for kind, nodes in lists
        if isinstance(nodes, Sequence)
        for node in nodes.items
    ]


def check(kind: str, node: Node) -> tuple[Any, list[str]]:
    components, findings = Components(), Findings()
    checker = Checker(components, findings, network=lambda node: None)
    return checker.component(node, ComponentSlot((kind,))), [found.message for found in findings.found.values()]


def class_of(kind: str, name: str) -> type:
    spec = catalogue().find(kind, name)
    assert spec
    return getattr(MODULES[kind], spec.alias_of or name)


def realized(value: Any) -> Any:
    """What was read, as Keras objects."""
    if isinstance(value, Component):
        arguments = {key: realized(inner) for key, inner in value.arguments.items()}
        return class_of(value.kind, value.name)(**arguments)
    return [realized(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize(("kind", "node"), written(USES))
def test_what_recipes_say_is_valid_and_builds(kind: str, node: Node) -> None:
    component, messages = check(kind, node)
    assert not messages
    assert isinstance(realized(component), class_of(kind, component.name))


@pytest.mark.parametrize(("kind", "node"), written(MISTAKES))
def test_mistakes_are_found(kind: str, node: Node) -> None:
    assert len(check(kind, node)[1]) == 1


@pytest.mark.parametrize("written_as", ["{epochs: 5}", "{share: 0.05}", "100"])
def test_durations_are_steps_epochs_or_shares(written_as: str) -> None:
    text = f"CosineDecay: {{initial_learning_rate: 0.1, decay_steps: {written_as}, warmup_steps: {written_as}}}"
    assert not check("schedule", read_text(Source("schedule.yaml", text)))[1]
