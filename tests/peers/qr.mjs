// Reads the QR code that these squares are: {side, dark: [[left, top, width, height]]} on standard input.
import { text } from "node:stream/consumers";
import jsQR from "jsqr";

const { side, dark } = JSON.parse(await text(process.stdin));
const pixels = new Uint8ClampedArray(side * side * 4).fill(255);
for (const [left, top, width, height] of dark) {
  for (let y = top; y < top + height; y++) {
    for (let x = left; x < left + width; x++) {
      pixels.fill(0, (y * side + x) * 4, (y * side + x) * 4 + 3);
    }
  }
}
console.log(JSON.stringify(jsQR(pixels, side, side)?.data ?? null));
