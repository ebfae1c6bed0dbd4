/** A key store or trust store cannot be used; the message says why, without any secret. */
export class StoreError extends Error {
  override readonly name = 'StoreError'
}
