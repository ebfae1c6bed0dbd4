/** What stands behind the image of a tree on a connection between members: the string `BenWasHere`, with its length in front. */
export const imageEndMark: Uint8Array = Uint8Array.of(0, 0, 0, 10, 66, 101, 110, 87, 97, 115, 72, 101, 114, 101)
