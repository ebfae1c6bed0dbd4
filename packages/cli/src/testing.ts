/** `lightkeeper/testing`. */
export {
  type ApacheOptions,
  type ApacheServer,
  type ApacheVersion,
  type Availability,
  apache,
  apacheAvailable,
  ask,
} from '@lightkeeper/testing'
