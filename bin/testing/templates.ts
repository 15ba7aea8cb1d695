/** Databases of a test run that suites' own are copies of: an empty one, and one with the demonstration department in it. */
export const TEMPLATES = { empty: 'isocenter_template', demonstration: 'isocenter_demonstration' } as const
