// Two programs on one wire, and a browser to look at them.
// @ts-check
import { launch, openPage } from './browser.mjs'
import { freePort, Node, tcpClient, tcpServer } from './node.mjs'
import { Wire } from './wire.mjs'

export class Lab {
  nodes = /** @type {Node[]} */ ([])
  wires = /** @type {Wire[]} */ ([])
  /** @type {import('playwright-core').Browser | undefined} */
  browser = undefined

  /**
   * @param {string} name @param {string | null} [interfaces] null: no configuration file at all
   * @param {boolean} [transport] it carries what is for others
   */
  async node(name, interfaces = '', transport = false) {
    const node = new Node(name)
    this.nodes.push(node)
    if (interfaces !== null) node.configure(interfaces, transport)
    return node.start()
  }

  /** @param {number} target */
  async wire(target) {
    const wire = await Wire.open(target)
    this.wires.push(wire)
    return wire
  }

  /** @param {Node} node @param {import('./browser.mjs').PageOptions} [options] */
  async page(node, options) {
    this.browser ??= await launch()
    return openPage(this.browser, node, options)
  }

  /** Two named programs that have heard each other, with setup behind them. */
  async pair(a = 'Ada', b = 'Ben') {
    const port = await freePort()
    const wire = await this.wire(port)
    const one = await this.node(a, tcpServer(port))
    const two = await this.node(b, tcpClient(wire.port))
    for (const node of [one, two]) {
      await node.call('PATCH', `/identities/${node.identity}`, { display_name: node.name })
      await node.call('PATCH', '/setup', { done: true })
    }
    await one.hears(two)
    await two.hears(one)
    return { wire, one, two }
  }

  async close() {
    // E2E_LOOK: what every page showed at the end, and what the programs said.
    if (process.env['E2E_LOOK']) await this.look(process.env['E2E_LOOK'])
    await this.browser?.close()
    for (const node of this.nodes) await node.dispose()
    for (const wire of this.wires) await wire.close()
  }

  /** @param {string} prefix */
  async look(prefix) {
    let count = 0
    for (const context of this.browser?.contexts() ?? [])
      for (const page of context.pages()) await page.screenshot({ path: `${prefix}-${count++}.png` })
    for (const node of this.nodes) {
      console.error(`--- ${node.name}\n${node.log}`)
      const { items } = await node.mine('GET', '/conversations')
      for (const { peer } of items)
        for (const one of (await node.messages(peer)).filter((message) => message.delivery).slice(-8)) {
          console.error(one.id.slice(0, 8), one.content.slice(0, 30), JSON.stringify(one.delivery))
          for (const event of await node.events(one.id)) console.error('  ', JSON.stringify(event))
        }
    }
  }
}

/** The path of a chat. @param {Node} node @param {Node | string} [peer] */
export const chat = (node, peer) =>
  `/i/${node.identity}/chats${peer ? `/${typeof peer === 'string' ? peer : peer.address}` : ''}`
