/** The bytes of an election link: a notification as a frame, and what the first bytes of a stranger say. */
import { type Notification, Writer, writeNotification } from '@lightkeeper/protocol'

export function frameOf(notification: Notification): Uint8Array {
  const writer = new Writer(64 + notification.config.length)
  const mark = writer.beginFrame()
  writeNotification(writer, notification)
  writer.endFrame(mark)
  return writer.written().slice()
}

/** What the sender of these first bytes takes the port for; undefined where that is not known. */
export function otherProtocol(bytes: Uint8Array): string | undefined {
  const [first, second] = bytes
  if (first === 0x16 && second === 0x03)
    return 'it speaks TLS, and this member does not: sslQuorum must be the same on all members'
  return /^[A-Z]{3,7} /.test(String.fromCharCode(...bytes.subarray(0, 8))) ? 'it speaks HTTP' : undefined
}
