"""``python -m geo.synthetic OUT_DIR``: write the synthetic county as GeoJSON."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from geo.synthetic import SEED, generate, write_layers


def main(arguments: list[str] | None = None) -> None:
    """Write every layer into the folder that is named, and say which files were written."""
    parser = argparse.ArgumentParser(
        prog="python -m geo.synthetic",
        description="把合成的区县、乡镇、村和网格写成 GeoJSON（EPSG:4490）。"
        " Write the synthetic county as GeoJSON (EPSG:4490), one file for each layer.",
    )
    parser.add_argument("out_dir", type=Path, help="输出文件夹 folder to write into")
    parser.add_argument("--seed", type=int, default=SEED, help="随机种子 seed (%(default)s)")
    options = parser.parse_args(arguments)
    for path in write_layers(generate(options.seed), options.out_dir):
        sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main()
