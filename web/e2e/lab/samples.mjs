// Files to send: bytes that do not compress, and a picture.
// @ts-check
import { createHash } from 'node:crypto'
import * as zlib from 'node:zlib'

/** @param {Buffer} bytes */
export const digest = (bytes) => createHash('sha256').update(bytes).digest('hex')

/** Bytes that look random and are the same at every run. @param {number} size @param {string} seed */
export function noise(size, seed) {
  const out = Buffer.alloc(size)
  let block = createHash('sha256').update(seed).digest()
  for (let at = 0; at < size; at += block.length) {
    block.copy(out, at)
    block = createHash('sha256').update(block).digest()
  }
  return out
}

/** @param {string} type @param {Buffer} data */
function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const frame = Buffer.alloc(8)
  frame.writeUInt32BE(data.length, 0)
  frame.writeUInt32BE(sum(body) >>> 0, 4)
  return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)])
}

/** CRC-32; zlib has it only since Node 20.15. @param {Buffer} data */
function sum(data) {
  let crc = ~0
  for (const byte of data) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
  }
  return ~crc
}

/** A PNG full of noise. @param {number} width @param {number} height @param {string} seed */
export function photo(width, height, seed) {
  const rows = Buffer.alloc((width * 3 + 1) * height)
  const bytes = noise(width * height * 3, seed)
  for (let y = 0; y < height; y++)
    bytes.copy(rows, y * (width * 3 + 1) + 1, y * width * 3, (y + 1) * width * 3)
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([8, 2, 0, 0, 0], 8)
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', header),
    chunk('IDAT', zlib.deflateSync(rows, { level: 1 })),
    chunk('IEND', Buffer.alloc(0)),
  ])
}
