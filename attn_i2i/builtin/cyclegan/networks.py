"""CycleGAN's generator; its discriminator is the PatchGAN in ``blocks``."""

from ...blocks import ImageHead, ResnetTrunk, TrunkAndHead


def generator(width: int = 64, blocks: int = 9) -> TrunkAndHead:
    """CycleGAN's ResNet generator (arXiv:1703.10593, section 4): 9 blocks from 256 px on, 6 below."""
    trunk = ResnetTrunk(width, blocks)
    return TrunkAndHead(trunk, ImageHead(trunk.out_channels, trunk.stride))
