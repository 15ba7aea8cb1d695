/** Memory as a server has it that has been up for a while: full of what was read, none of it lying free. */
import { ftruncateSync, openSync, readFileSync, readSync, unlinkSync } from 'node:fs'
import { tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'

const CHUNK = Buffer.alloc(4 * 2 ** 20)
const CHUNKS_A_LOOK = 64

const HOLES_BYTES = 2 * totalmem()

let file: number | undefined
let at = 0

/**
 * A virtual machine may get its memory from the host page by page when it is first written to, and give back what lies
 * free: who writes into such pages is ten times slower, and it is chance whom it hits. Reading nothing but holes of a
 * file leaves pages that are there and that may be taken.
 */
export function fillMemory(): void {
  file ??= holes()
  let before: number
  do {
    before = freeBytes()
    for (let n = 0; n < CHUNKS_A_LOOK; n += 1) {
      readSync(file, CHUNK, 0, CHUNK.length, at)
      at = (at + CHUNK.length) % HOLES_BYTES
    }
    // What the kernel keeps free stays so.
  } while (freeBytes() < before - (CHUNKS_A_LOOK * CHUNK.length) / 2)
}

/** Gone from its folder at once, and with this process from the disk. */
function holes(): number {
  const path = join(tmpdir(), `holes-${process.pid}`)
  const opened = openSync(path, 'wx+')
  unlinkSync(path)
  ftruncateSync(opened, HOLES_BYTES)
  return opened
}

function freeBytes(): number {
  return Number(/^MemFree:\s+(\d+) kB/m.exec(readFileSync('/proc/meminfo', 'utf8'))![1]) * 1024
}
