import { type ConvProblem, outputOf } from "./problem.ts";

/**
 * The convolution layers of ten vision models, batch 1, rebuilt from their published architectures and not traced:
 * torchvision's versions where there is one, ultralytics' YOLOv8n, diffusers' AutoencoderKL, the padded U-Net.
 * Input 224x224; U-Net 256, YOLOv8n 640, SD-VAE 512.
 */
export const ARCHITECTURES: Readonly<Record<string, (net: Net) => void>> = {
  "resnet-18": (net) => {
    net.at(3, 224).conv(64, 7, 2).pool();
    for (const [stage, width] of [64, 128, 256, 512].entries()) {
      for (let block = 0; block < 2; block++) {
        const stride = stage > 0 && block === 0 ? 2 : 1;
        if (stride === 2) net.aside((side) => side.conv(width, 1, 2));
        net.conv(width, 3, stride).conv(width, 3);
      }
    }
  },
  "resnet-50": (net) => {
    net.at(3, 224).conv(64, 7, 2).pool();
    for (const [stage, blocks] of [3, 4, 6, 3].entries()) {
      const width = 64 << stage;
      for (let block = 0; block < blocks; block++) {
        const stride = stage > 0 && block === 0 ? 2 : 1;
        if (block === 0) net.aside((side) => side.conv(width * 4, 1, stride));
        net
          .conv(width, 1)
          .conv(width, 3, stride)
          .conv(width * 4, 1);
      }
    }
  },
  vgg16: (net) => {
    net.at(3, 224);
    for (const widths of [
      [64, 64],
      [128, 128],
      [256, 256, 256],
      [512, 512, 512],
      [512, 512, 512],
    ]) {
      for (const width of widths) net.conv(width, 3);
      net.pool();
    }
  },
  mobilenetv2: (net) => {
    net.at(3, 224).conv(32, 3, 2);
    const stages = [
      [1, 16, 1, 1],
      [6, 24, 2, 2],
      [6, 32, 3, 2],
      [6, 64, 4, 2],
      [6, 96, 3, 1],
      [6, 160, 3, 2],
      [6, 320, 1, 1],
    ];
    for (const [expansion = 1, width = 1, repeats = 1, first = 1] of stages) {
      for (let block = 0; block < repeats; block++) {
        net.inverted(net.channels * expansion, width, 3, block === 0 ? first : 1);
      }
    }
    net.conv(1280, 1);
  },
  "mobilenetv3-large": (net) => {
    net.at(3, 224).conv(16, 3, 2);
    // filter, expanded, out, squeeze-excite, stride
    const blocks: [number, number, number, boolean, number][] = [
      ...([
        [3, 16, 16, false, 1],
        [3, 64, 24, false, 2],
        [3, 72, 24, false, 1],
        [5, 72, 40, true, 2],
      ] as const),
      ...([
        [5, 120, 40, true, 1],
        [5, 120, 40, true, 1],
        [3, 240, 80, false, 2],
        [3, 200, 80, false, 1],
      ] as const),
      ...([
        [3, 184, 80, false, 1],
        [3, 184, 80, false, 1],
        [3, 480, 112, true, 1],
        [3, 672, 112, true, 1],
      ] as const),
      ...([
        [5, 672, 160, true, 2],
        [5, 960, 160, true, 1],
        [5, 960, 160, true, 1],
      ] as const),
    ].map(([filter, expanded, out, squeeze, stride]) => [filter, expanded, out, squeeze, stride]);
    for (const [filter, expanded, out, squeeze, stride] of blocks) {
      net.inverted(expanded, out, filter, stride, squeeze ? roundTo8(expanded / 4) : 0);
    }
    net.conv(960, 1);
  },
  "efficientnet-b0": (net) => {
    net.at(3, 224).conv(32, 3, 2);
    // expansion, filter, stride, out, repeats
    const stages = [
      ...[
        [1, 3, 1, 16, 1],
        [6, 3, 2, 24, 2],
        [6, 5, 2, 40, 2],
        [6, 3, 2, 80, 3],
      ],
      ...[
        [6, 5, 1, 112, 3],
        [6, 5, 2, 192, 4],
        [6, 3, 1, 320, 1],
      ],
    ];
    for (const [expansion = 1, filter = 1, first = 1, width = 1, repeats = 1] of stages) {
      for (let block = 0; block < repeats; block++) {
        const squeeze = Math.max(1, Math.floor(net.channels / 4));
        net.inverted(net.channels * expansion, width, filter, block === 0 ? first : 1, squeeze);
      }
    }
    net.conv(1280, 1);
  },
  "densenet-121": (net) => {
    net.at(3, 224).conv(64, 7, 2).pool();
    for (const [stage, layers] of [6, 12, 24, 16].entries()) {
      if (stage > 0) net.conv(net.channels / 2, 1).pool();
      for (let layer = 0; layer < layers; layer++) {
        net.aside((side) => side.conv(128, 1).conv(32, 3));
        net.channels += 32;
      }
    }
  },
  unet: (net) => {
    net.at(3, 256);
    const widths = [64, 128, 256, 512];
    for (const width of widths) net.conv(width, 3).conv(width, 3).pool();
    net.conv(1024, 3).conv(1024, 3);
    for (const width of widths.toReversed()) {
      net.transposed(width, 2, 2);
      net.channels *= 2; // the skip connection
      net.conv(width, 3).conv(width, 3);
    }
    net.conv(1, 1);
  },
  yolov8n: (net) => {
    net.at(3, 640).conv(16, 3, 2).conv(32, 3, 2).c2f(32, 1).conv(64, 3, 2).c2f(64, 2);
    net.conv(128, 3, 2).c2f(128, 2).conv(256, 3, 2).c2f(256, 1);
    net.conv(128, 1).at(512, 20).conv(256, 1); // SPPF: three pools between
    net.at(384, 40).c2f(128, 1).at(192, 80).c2f(64, 1);
    net.conv(64, 3, 2).at(192, 40).c2f(128, 1);
    net.conv(128, 3, 2).at(384, 20).c2f(256, 1);
    for (const [width, size] of [
      [64, 80],
      [128, 40],
      [256, 20],
    ] as const) {
      for (const head of [64, 80]) net.at(width, size).conv(head, 3).conv(head, 3).conv(head, 1);
    }
    net.layer({ c: 16, k: 1, input: [4, 8400], filter: [1, 1] }); // distribution focal loss
  },
  "sd-vae": (net) => {
    net.at(3, 512).conv(128, 3);
    for (const [stage, width] of [128, 256, 512, 512].entries()) {
      net.resnet(width).resnet(width);
      if (stage < 3)
        net.layer({ c: width, k: width, input: [net.size + 1, net.size + 1], filter: [3, 3], stride: [2, 2] }).pool();
    }
    net.resnet(512).resnet(512).conv(8, 3).conv(8, 1);
    net.at(4, 64).conv(4, 1).conv(512, 3).resnet(512).resnet(512);
    for (const [stage, width] of [512, 512, 256, 128].entries()) {
      net.resnet(width).resnet(width).resnet(width);
      if (stage < 3) net.at(width, net.size * 2).conv(width, 3);
    }
    net.conv(3, 3);
  },
};

/** Layer widths of MobileNetV3 are multiples of 8, at least 90 % of what was asked [torchvision _make_divisible]. */
function roundTo8(width: number): number {
  const rounded = Math.max(8, Math.floor((width + 4) / 8) * 8);
  return rounded < 0.9 * width ? rounded + 8 : rounded;
}

/** Walks through a network and keeps its convolutions. */
export class Net {
  readonly layers: ConvProblem[] = [];
  channels = 0;
  size = 0;

  /** Stands at a tensor of so many channels and so large an image, e.g. behind a concatenation. */
  at(channels: number, size: number): this {
    this.channels = channels;
    this.size = size;
    return this;
  }

  conv(k: number, filter: number, stride = 1, groups = 1): this {
    const pad = (filter - 1) / 2;
    this.layer({ k, groups, filter: [filter, filter], stride: [stride, stride], pad: [pad, pad] });
    return this.at(k, outputOf(this.layers.at(-1) as ConvProblem)[0] ?? 0);
  }

  transposed(k: number, filter: number, stride: number): this {
    this.layer({ k, filter: [filter, filter], stride: [stride, stride], transposed: true });
    return this.at(k, this.size * stride);
  }

  /** Halves the image. */
  pool(): this {
    return this.at(this.channels, Math.floor(this.size / 2));
  }

  /** A branch: what it convolves counts, where it ends does not. */
  aside(branch: (net: this) => void): void {
    const { channels, size } = this;
    branch(this);
    this.at(channels, size);
  }

  /** Inverted residual: expand, depthwise, squeeze-and-excite, project. */
  inverted(expanded: number, out: number, filter: number, stride: number, squeeze = 0): void {
    if (expanded !== this.channels) this.conv(expanded, 1);
    this.conv(expanded, filter, stride, expanded);
    if (squeeze > 0) this.aside((side) => side.at(expanded, 1).conv(squeeze, 1).conv(expanded, 1));
    this.conv(out, 1);
  }

  /** YOLOv8's C2f block. */
  c2f(out: number, bottlenecks: number): this {
    const half = out / 2;
    this.conv(out, 1);
    for (let n = 0; n < bottlenecks; n++) this.at(half, this.size).conv(half, 3).conv(half, 3);
    return this.at((2 + bottlenecks) * half, this.size).conv(out, 1);
  }

  /** Residual block of two 3x3 convolutions, with a 1x1 where the width changes. */
  resnet(out: number): this {
    if (this.channels !== out) this.aside((side) => side.conv(out, 1));
    return this.conv(out, 3).conv(out, 3);
  }

  /** One layer as it is; what is not said is taken from where the walk stands. */
  layer(problem: Partial<ConvProblem>): this {
    this.layers.push({
      ...{ type: "fp32", direction: "forward", n: 1, c: this.channels, k: this.channels, groups: 1 },
      ...{ input: [this.size, this.size], filter: [1, 1], pad: [0, 0], stride: [1, 1], dilation: [1, 1] },
      ...{ layout: "NCHW", transposed: false, ...problem },
    });
    return this;
  }
}
