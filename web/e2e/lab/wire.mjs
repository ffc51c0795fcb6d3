// The bad medium between two programs: bandwidth, delay, loss and cuts, driven by lines of JSON.
// @ts-check
import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { ended } from './node.mjs'

const root = fileURLToPath(new URL('../../../', import.meta.url))
let built = false

/** @typedef {{ at: number, to_target: boolean, lost: boolean, size: number, type: number, dest_type: number, context: number, dest: string }} Frame */

export const packet = { data: 0, announce: 1, linkRequest: 2, proof: 3 }
export const context = { resource: 1, advertisement: 2, resourceProof: 5, linkProof: 255 }

export class Wire {
  /** @param {import('node:child_process').ChildProcess} child @param {string} dir */
  constructor(child, dir) {
    this.child = child
    this.dir = dir
    this.port = 0
    this.lines = createInterface({ input: /** @type {any} */ (child.stdout) })[Symbol.asyncIterator]()
  }

  /** Starts a proxy in front of a port. @param {number} target */
  static async open(target) {
    const binary = join(root, 'bin/shaper')
    if (!built) execFileSync('go', ['build', '-o', binary, './tools/shaper'], { cwd: root })
    built = true
    const dir = mkdtempSync(join(tmpdir(), 'mcx-e2e-wire-'))
    const options = ['-target', `127.0.0.1:${target}`, '-tap', join(dir, 'tap')]
    const wire = new Wire(spawn(binary, options, { stdio: ['pipe', 'pipe', 'inherit'] }), dir)
    wire.port = (await wire.read()).port
    return wire
  }

  /** @private */
  async read() {
    const { value, done } = await this.lines.next()
    if (done) throw new Error('the shaper ended')
    return JSON.parse(value)
  }

  /** @param {object} command @returns {Promise<{ Frames: number, Lost: number, Connections: number, Bytes: number }>} */
  tell(command) {
    this.child.stdin?.write(`${JSON.stringify(command)}\n`)
    return this.read()
  }

  /** @param {{ rate?: number, delay?: number, loss?: number }} conditions bytes per second, milliseconds, 0..1 */
  shape({ rate = 0, delay = 0, loss = 0 }) {
    return this.tell({ set: { bytes_per_second: rate, delay_ms: delay, loss } })
  }
  cut() {
    return this.tell({ cut: true })
  }
  mend() {
    return this.tell({ mend: true })
  }
  counters() {
    return this.tell({ counters: true })
  }

  /**
   * Every frame that came to the wire, in order.
   * @returns {Frame[]}
   */
  frames() {
    const lines = readFileSync(join(this.dir, 'tap'), 'utf8').split('\n')
    return lines.slice(0, -1).map((line) => JSON.parse(line))
  }

  async close() {
    this.child.stdin?.end()
    await ended(this.child)
    rmSync(this.dir, { recursive: true, force: true })
  }
}
