/** The registered workflows. */
export { deliveryWorkflow } from './delivery.ts'
export { orderWorkflow } from './order.ts'
export { retentionSweepWorkflow } from './sweep.ts'
