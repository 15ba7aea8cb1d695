/** What a normal examination reads like, by modality and area; the reader changes what isn't so. */
import { type ReportTemplate, templateText } from '#domain/report-template.ts'
import { bySystem, type MarkedText } from '#domain/report-text.ts'
import { SECTION_KEYS, type SectionKey } from './sections.ts'

type Text = Partial<Record<SectionKey, string>>
type Words = Partial<Record<SectionKey, MarkedText>>

/** The nearest text there is: for modality and area, else for the modality, else none. */
export function normalText({ modality, area }: { modality: string; area: string }): Words {
  return ofDepartment(NORMAL[`${modality} ${area}`] ?? NORMAL[modality] ?? {})
}

/** What the department says by itself is marked as such until a person has touched it. */
export function ofDepartment(text: Readonly<Record<string, string>> | Text): Words {
  const words = Object.entries(text).map(([key, said]) => [key, bySystem({ text: said, marks: [] })])
  return Object.fromEntries(words)
}

/** A procedure's own template, section by section; where it says nothing of a section, it is not there. */
export function ofTemplate(template: Pick<ReportTemplate, 'sections'> | null): Words {
  const words = SECTION_KEYS.flatMap((key) => {
    const text = template && templateText(template, key)
    return text?.text ? [[key, text]] : []
  })
  return Object.fromEntries(words)
}

const CHEST_FILM: Text = {
  findings:
    'The lungs are clear. No pleural effusion or pneumothorax. Heart size and mediastinal contours are normal. No acute bony abnormality.',
  impression: 'Normal chest radiograph.',
}

const NORMAL: Record<string, Text> = {
  'CT neuro': {
    findings:
      'No intracranial haemorrhage, mass effect or midline shift. Grey-white differentiation is preserved. Ventricles and sulci are normal for age. The skull and the visualised sinuses are unremarkable.',
    impression: 'Normal CT of the head.',
  },
  'CT chest': {
    findings:
      'The lungs are clear. No pleural effusion. No enlarged mediastinal or hilar lymph nodes. Heart and great vessels are normal. No suspicious bony lesion.',
    impression: 'Normal CT of the chest.',
  },
  'CT abdomen': {
    findings:
      'Liver, gallbladder, pancreas, spleen, adrenal glands and kidneys are normal. No bowel obstruction or free fluid. No enlarged lymph nodes. No suspicious bony lesion.',
    impression: 'Normal CT of the abdomen and pelvis.',
  },
  'MR neuro': {
    findings:
      'No restricted diffusion. No haemorrhage, mass or abnormal signal in brain and brainstem. Ventricles are normal. Flow voids of the major vessels are present.',
    impression: 'Normal MR examination.',
  },
  'MR msk': {
    findings:
      'Menisci, cruciate and collateral ligaments are intact. No effusion. Cartilage and marrow signal are normal.',
    impression: 'Normal MR examination.',
  },
  'DX chest': CHEST_FILM,
  'CR chest': CHEST_FILM,
  'DX msk': {
    findings: 'No fracture or dislocation. Joint spaces are preserved. Soft tissues are unremarkable.',
    impression: 'No acute bony abnormality.',
  },
  'US abdomen': {
    findings:
      'Liver, gallbladder, bile ducts, pancreas, spleen and kidneys are normal in size and echo texture. No free fluid.',
    impression: 'Normal ultrasound of the abdomen.',
  },
  US: {
    findings: 'The deep veins are compressible throughout with normal flow. No thrombus.',
    impression: 'No deep vein thrombosis.',
  },
}
