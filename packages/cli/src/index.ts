/** The client, as `lightkeeper`; server and test kit are subpaths. */
export * from '@lightkeeper/client'
