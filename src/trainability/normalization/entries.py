"""The normalisations."""

from __future__ import annotations

from trainability.normalization import Normalization

NONE = Normalization(name="none", aliases=("off",), summary="no normalisation", axis=None)
BATCH = Normalization(
    name="batch",
    aliases=("batch_norm", "batchnorm", "bn"),
    summary="each unit over the samples of the batch; running statistics in evaluation",
    axis="samples",
    running=True,
    reference="S. Ioffe, C. Szegedy, Batch normalization, ICML 2015",
    torch="torch.nn.BatchNorm1d",
    keras="keras.layers.BatchNormalization",
)
LAYER = Normalization(
    name="layer",
    aliases=("layer_norm", "layernorm", "ln"),
    summary="each sample over the units of the layer",
    axis="units",
    reference="J. Ba, J. Kiros, G. Hinton, Layer normalization, arXiv:1607.06450",
    torch="torch.nn.LayerNorm",
    keras="keras.layers.LayerNormalization",
)
RMS = Normalization(
    name="rms",
    aliases=("rms_norm", "rmsnorm"),
    summary="each sample by its root mean square over the units of the layer",
    axis="units",
    centred=False,
    shift=False,
    reference="B. Zhang, R. Sennrich, Root mean square layer normalization, NeurIPS 2019",
    torch="torch.nn.RMSNorm",
    keras="keras.layers.RMSNormalization",
)
