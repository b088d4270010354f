// Characters that a visitor has named, kept in this browser, and as a file for notebook 20.

const KEY = "handwriting-course-characters";

// A list of {name, png: a data URL}.
export const kept = () => JSON.parse(localStorage.getItem(KEY) ?? "[]");
export const keep = (all) => localStorage.setItem(KEY, JSON.stringify(all));

// D_7/0.png, U_A/0.png, L_a/0.png, as helpers/archives/photographs.py reads them.
export function members(all) {
  const counts = {};
  return all.map(({ name, png }) => {
    const kind = /\d/.test(name) ? "D" : name === name.toUpperCase() ? "U" : "L";
    const number = (counts[name] = (counts[name] ?? -1) + 1);
    const bytes = Uint8Array.from(atob(png.split(",")[1]), (one) => one.charCodeAt(0));
    return { path: `${kind}_${name}/${number}.png`, bytes };
  });
}

function checksum(bytes) {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}

// A zip archive of {path, bytes}, stored as they are: PNG is packed already.
export function zipped(files) {
  const parts = [];
  const contents = [];
  let at = 0;
  for (const { path, bytes } of files) {
    const name = new TextEncoder().encode(path);
    const day = 33; // 1 January 1980, the earliest that the format knows
    const common = [[20, 2], [0, 2], [0, 2], [0, 2], [day, 2], [checksum(bytes), 4], [bytes.length, 4], [bytes.length, 4], [name.length, 2], [0, 2]];
    const head = packed([[0x04034b50, 4], ...common]);
    contents.push(packed([[0x02014b50, 4], [20, 2], ...common, [0, 2], [0, 2], [0, 2], [0, 4], [at, 4]]), name);
    parts.push(head, name, bytes);
    at += head.length + name.length + bytes.length;
  }
  const size = contents.reduce((total, part) => total + part.length, 0);
  const end = packed([[0x06054b50, 4], [0, 2], [0, 2], [files.length, 2], [files.length, 2], [size, 4], [at, 4], [0, 2]]);
  return new Blob([...parts, ...contents, end], { type: "application/zip" });
}

// Whole numbers as bytes, the lowest first: pairs of value and number of bytes.
const packed = (numbers) =>
  Uint8Array.from(numbers.flatMap(([value, size]) => Array.from({ length: size }, (_, i) => (value / 256 ** i) & 255)));
