/** `lightkeeper/recipes`. */
export {} from '@lightkeeper/recipes'
