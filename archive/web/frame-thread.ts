/** One decoding thread: takes a frame, answers it native or as a picture, and says what is wrong with one it cannot read. */
import { parentPort } from 'node:worker_threads'
import { decodedPhotometric, decodeFrame, FrameError } from './codecs.ts'
import type { FrameReply, FrameTask } from './frame-threads.ts'
import { pictureOf } from './picture.ts'
import { isNative } from './transfer-syntax.ts'

parentPort!.on('message', async (task: FrameTask) => {
  const reply = await replyTo(task)
  parentPort!.postMessage(reply, 'bytes' in reply ? [reply.bytes.buffer as ArrayBuffer] : [])
})

async function replyTo(task: FrameTask): Promise<FrameReply> {
  try {
    return { id: task.id, bytes: alone(await bytesOf(task)) }
  } catch (error) {
    const words = error instanceof FrameError ? error.message : 'the frame cannot be read'
    return { id: task.id, words }
  }
}

async function bytesOf(task: FrameTask): Promise<Uint8Array> {
  const { transferSyntaxUid, frame, shape, picture } = task
  if (isNative(transferSyntaxUid)) {
    if (!picture) return frame
    return pictureOf(frame, { ...picture, shape })
  }
  const native = await decodeFrame(transferSyntaxUid, frame, shape)
  if (!picture) return native
  const photometric = decodedPhotometric(transferSyntaxUid, shape.photometric)
  return pictureOf(native, { ...picture, shape: { ...shape, photometric, planar: false } })
}

// What is handed over must not be a piece of a buffer that something else lives in.
const alone = (bytes: Uint8Array): Uint8Array<ArrayBuffer> =>
  bytes.byteLength === bytes.buffer.byteLength && bytes.buffer instanceof ArrayBuffer
    ? (bytes as Uint8Array<ArrayBuffer>)
    : new Uint8Array(bytes)
