import type { IconName } from './icons'

/** One line of a KitMenu. */
export interface MenuItem<K extends string = string> {
  key: K
  label: string
  icon?: IconName
  note?: string
  keys?: string
  danger?: boolean
  disabled?: boolean
  checked?: boolean
  /** Draws a line above this item. */
  separate?: boolean
}
