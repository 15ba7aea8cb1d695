/** What the simulated radiologist writes: mostly normal, sometimes not, always invented. */
import type { Random } from './random.ts'

export interface ReportText {
  findings: string
  impression: string
}

const NOTHING_WRONG: Readonly<Record<string, readonly [ReportText, ...ReportText[]]>> = {
  'CT neuro': [
    {
      findings:
        'No intracranial haemorrhage. No mass effect or midline shift. Grey-white differentiation is preserved.\nVentricles and sulci are normal for age.',
      impression: 'No acute intracranial abnormality.',
    },
    {
      findings: 'Mild periventricular low attenuation. No haemorrhage. No fracture of the skull.',
      impression: 'No haemorrhage. Mild small vessel disease.',
    },
  ],
  'CT chest': [
    {
      findings: 'The lungs are clear. No pleural effusion. No enlarged lymph nodes.',
      impression: 'Normal CT of the chest.',
    },
    {
      findings: 'A solid nodule of 5 mm in the right upper lobe. No effusion. No enlarged lymph nodes.',
      impression: 'Solid nodule of 5 mm, right upper lobe.\nFollow-up as the department’s guideline says.',
    },
  ],
  'DX chest': [
    {
      findings: 'The lungs are clear. Heart size is normal. No effusion or pneumothorax.',
      impression: 'Normal chest radiograph.',
    },
    {
      findings: 'Patchy opacity in the left lower zone. Small left effusion. Heart size is normal.',
      impression: 'Left lower zone opacity with small effusion, in keeping with infection.',
    },
  ],
  'MR neuro': [
    {
      findings: 'No restricted diffusion. No haemorrhage, mass or abnormal enhancement.',
      impression: 'Normal MR of the brain.',
    },
  ],
  'US abdomen': [
    {
      findings: 'Liver, bile ducts, pancreas, spleen and kidneys are normal. No free fluid.',
      impression: 'Normal ultrasound of the abdomen.',
    },
    {
      findings:
        'Several stones in the gallbladder up to 8 mm. Its wall is not thickened. Ducts are not wide.',
      impression: 'Gallstones without signs of inflammation.',
    },
  ],
}

const ANYTHING: readonly [ReportText, ...ReportText[]] = [
  { findings: 'No abnormality is seen.', impression: 'Normal examination.' },
]

export function reportText(random: Random, of: { modality: string; area: string }): ReportText {
  return random.pick(NOTHING_WRONG[`${of.modality} ${of.area}`] ?? ANYTHING)
}
