import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import type { Plugin } from 'vite'

const compressible = /\.(html|js|css|svg|json|webmanifest)$/
const smallest = 512

function filesBelow(dir: string): string[] {
  return readdirSync(dir).flatMap((name) => {
    const path = join(dir, name)
    return statSync(path).isDirectory() ? filesBelow(path) : [path]
  })
}

/** Writes a .br and a .gz form next to every compressible file; the server only picks one. */
export function precompress(): Plugin {
  let outDir = 'dist'
  return {
    name: 'meshchatx-precompress',
    apply: 'build',
    configResolved: (config) => void (outDir = config.build.outDir),
    closeBundle: {
      order: 'post',
      handler() {
        writeFileSync(join(outDir, '.keep'), '')
        for (const file of filesBelow(outDir)) {
          if (!compressible.test(file) || file.endsWith('manifest.build.json')) continue
          const raw = readFileSync(file)
          if (raw.length < smallest) continue
          const params = {
            [constants.BROTLI_PARAM_QUALITY]: 11,
            [constants.BROTLI_PARAM_SIZE_HINT]: raw.length,
          }
          writeFileSync(`${file}.br`, brotliCompressSync(raw, { params }))
          writeFileSync(`${file}.gz`, gzipSync(raw, { level: 9 }))
        }
      },
    },
  }
}
