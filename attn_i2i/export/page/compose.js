"use strict";
// From the tensors of a graph to pictures: what each part is, and how output and input are put together.

// Tensors have dims (1, ..., H, W) and data. Each part is {planes, count}: Float32Arrays of H x W in [0, 1].
const planesOf = (tensor, first, count, images) => {
  const [height, width] = tensor.dims.slice(-2);
  const size = height * width;
  return Array.from({ length: count }, (_, i) => {
    const plane = tensor.data.slice((first + i) * size, (first + i + 1) * size);
    for (let j = 0; j < size; j += 1) {
      const value = images ? (plane[j] + 1) / 2 : plane[j];
      plane[j] = value < 0 ? 0 : value > 1 ? 1 : value;
    }
    return plane;
  });
};

// All that can be shown of an answer, by name. Masks beyond the contents' number are of the background.
const partsOf = ({ image, attention, contents, heatmap }) => {
  const parts = { output: { planes: planesOf(image, 0, image.dims[1], true), size: image.dims.slice(-2) } };
  const size = parts.output.size;
  if (attention) {
    const count = contents ? contents.dims[1] : attention.dims[1];
    const foreground = planesOf(attention, 0, count, false);
    const mask = new Float32Array(foreground[0].length);
    foreground.forEach((plane) => plane.forEach((value, j) => { mask[j] = Math.min(1, mask[j] + value); }));
    const rest = attention.dims[1] > count ? planesOf(attention, count, 1, false)[0] : mask.map((value) => 1 - value);
    parts.mask = { planes: [mask], size };
    if (count > 1) foreground.forEach((plane, i) => { parts[`mask ${i + 1}`] = { planes: [plane], size }; });
    parts["background mask"] = { planes: [rest], size };
    if (contents) for (let i = 0; i < count; i += 1) {
      parts[count > 1 ? `content ${i + 1}` : "content"] = { planes: planesOf(contents, i * contents.dims[2], contents.dims[2], true), size };
    }
  }
  if (heatmap) {
    let low = Infinity, high = -Infinity;
    heatmap.data.forEach((value) => { low = Math.min(low, value); high = Math.max(high, value); });
    parts.heatmap = { planes: [heatmap.data.map((value) => (value - low) / Math.max(high - low, 1e-30))], size: heatmap.dims.slice(-2) };
  }
  return parts;
};

// The input as a graph takes it: one plane of luma, or three, in [-1, 1].
const tensorOf = (pixels, channels) => {
  const size = pixels.width * pixels.height, { data } = pixels;
  const values = new Float32Array(size * channels);
  for (let j = 0; j < size; j += 1) {
    const [red, green, blue] = [data[4 * j], data[4 * j + 1], data[4 * j + 2]];
    if (channels === 1) values[j] = (0.299 * red + 0.587 * green + 0.114 * blue) / 127.5 - 1;
    else [red, green, blue].forEach((value, i) => { values[i * size + j] = value / 127.5 - 1; });
  }
  return values;
};

// A part as pixels, with the transparency of the input. `mask` and `strength` say how much of an output counts.
const pixelsOf = (part, source, mask, strength) => {
  const [height, width] = part.size;
  const pixels = new ImageData(width, height), { data } = pixels;
  for (let j = 0; j < width * height; j += 1) {
    const share = strength * (mask ? mask[j] : 1);
    for (let i = 0; i < 3; i += 1) {
      const value = 255 * part.planes[Math.min(i, part.planes.length - 1)][j];
      data[4 * j + i] = source ? source.data[4 * j + i] * (1 - share) + value * share : value;
    }
    data[4 * j + 3] = source ? source.data[4 * j + 3] : 255;
  }
  return pixels;
};
