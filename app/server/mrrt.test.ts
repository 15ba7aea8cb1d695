import { expect, test } from 'vitest'
import { fieldsOf, templateText } from '#domain/report-template.ts'
import { readTemplate } from './mrrt.ts'

const head = (more = '') => `<!DOCTYPE html><html><head><title>A template</title><meta charset="UTF-8">
<meta name="dcterms.title" content="CT abdomen and pelvis: appendix"><meta name="dcterms.identifier" content="1.2.3.4">
<meta name="dcterms.type" content="IMAGE_REPORT_TEMPLATE"><meta name="dcterms.language" content="en">
<meta name="dcterms.publisher" content="A society"><meta name="dcterms.rights" content="CC BY 4.0">${more}</head>`

/** As template editors write it: list boxes, lists of suggestions, boxes with their words beside, a nested section. */
const OF_AN_EDITOR = `${head()}<body>
<section id="procedureInformation" class="level1" data-section-name="Procedure Information">
  <header class="level1">Procedure Information</header>
  <p><label for="c">Technique:</label>
    <span id="c" data-field-type="CHECKBOX"><br />
      <input id="c_0" type="checkbox" name="c" value="With intravenous contrast." checked="">With intravenous contrast.</input><br />
      <input id="c_1" type="checkbox" name="c" value="With oral contrast.">With oral contrast.</input></span></p>
</section>
<section data-section-name="Clinical Information"><header>Clinical Information</header><p><input type="text" id="q"></p></section>
<section data-section-name="Comparison"><header>Comparison</header><p><label for="cmp"></label>
  <input type="text" id="cmp" data-field-type="TEXT" value="None." /></p></section>
<section data-section-name="Findings"><header>Findings</header>
  <p><label for="l">Liver:</label> <input type="text" id="l" value="Normal." /></p>
  <p><label for="g">Gallbladder:</label> <input list="g_LIST" id="g" value="Normal." />
    <datalist id="g_LIST"><option value="Normal." selected="">Normal.</option><option value="Absent.">Absent.</option></datalist></p>
  <p><label for="k">Kidneys:</label> <select id="k" value="Normal."><option value="Normal." selected="">Normal.</option>
    <option value="Stone.">Stone.</option></select></p>
  <section class="level2" data-section-name="Appendix"><header class="level2">Appendix</header>
    <p><label for="d">Diameter</label> <input type="number" id="d" data-field-units="mm" /></p></section>
</section>
<section data-section-name="Impression"><header>Impression</header><p><textarea id="i"> </textarea></p></section>
</body></html>`

/** As the first published ones are: broken XML for their codes, units said by a second label, sections within sections. */
const OF_A_LIBRARY = `${head(`<script type="text/xml"><!--
<template_attributes><coding_schemes><coding_scheme name="RadLex" designator="2.16.840.1.113883.6.256" /></coding_schemes>
<coded_content><entry ORIGTXT="T1_2"><term><code meaning="diameter" value="RID13432" scheme="RadLex"></term></entry>
<entry ORIGTXT="T1_3"><term><code meaning="Ejection fraction" value="8811-2" scheme="LOINC"></term></entry></coded_content>
</template_attributes>--></script>`)}<body>
<section data-section-name="Procedure"><header class="level1">Heart MR</header><p><textarea id="T1_1"> </textarea></p></section>
<section data-section-name="Findings"><header class="level1">Findings</header>
<section data-section-name="Left ventricle"><header class="level2">Left ventricle</header>
<p><label for="T1_2">Diameter:</label><input type="number" id="T1_2" data-field-units="mm"/><label for="T1_2"> mm (normal, 36-56 mm)</label></p>
<p><label for="T1_3">Ejection fraction:</label><input type="number" id="T1_3" data-field-units="%"/></p>
</section></section>
<section data-section-name="Wall motion"><header class="level1">Wall motion</header><p>Base <input type="number" id="b" value="0" min="0" max="3"></p></section>
</body></html>`

/** As a society of another language has them: tables, headings with their English names, boxes with labels of their own. */
const OF_ANOTHER_LANGUAGE = `${head()}<body>
<section data-section-name="Methodik"><header data-english="Method">Methodik</header><table><tr><td><label for="t">Technik</label></td>
 <td><select id="t" name="t"><option value="a">sequenziell</option><option value="b">Spirale</option></select></td></tr></table></section>
<section data-section-name="Befunde"><header data-english="Findings">Befund</header><table>
 <tr><td>LCA</td><td><select name="p" id="p"><option value="keine">keine</option><option value="verkalkt">verkalkt</option></select><br>
   <input type="radio" name="n" id="n1" value="1"><label for="n1">mit Stent</label>
   <input type="radio" name="n" id="n2" value="2" checked><label for="n2">ohne Stent</label></td></tr>
 <tr><td><label for="s">Sonstiges</label></td><td><textarea name="s" id="s">keine</textarea></td></tr></table></section>
<section data-section-name="Beurteilung"><header data-english="Impression">Beurteilung</header><p><textarea></textarea></p></section>
</body></html>`

const textOf = (source: string, key: string) => templateText(readTemplate(source).template, key)?.text

test('[RP-01] a template of an editor becomes sections of words and fields; what the order says already is left out', () => {
  const { template, leftOut } = readTemplate(OF_AN_EDITOR)
  expect(template).toMatchObject({
    identifier: '1.2.3.4',
    title: 'CT abdomen and pelvis: appendix',
    publisher: 'A society',
    rights: 'CC BY 4.0',
    language: 'en',
  })
  expect(leftOut).toEqual(['Clinical Information'])
  expect(textOf(OF_AN_EDITOR, 'technique')).toBe('Technique:\nWith intravenous contrast.')
  expect(textOf(OF_AN_EDITOR, 'comparison')).toBe('None.')
  expect(textOf(OF_AN_EDITOR, 'findings')).toBe(
    'Liver: Normal.\nGallbladder: Normal.\nKidneys: Normal.\nAppendix\nDiameter […] mm',
  )
  expect(textOf(OF_AN_EDITOR, 'impression')).toBe('')
  const fields = fieldsOf(template)
  expect(fields.map(({ id, kind, options }) => [id, kind, options.length])).toEqual([
    ['c_0', 'choices', 2],
    ['cmp', 'text', 0],
    ['l', 'text', 0],
    ['g', 'text', 2],
    ['k', 'choice', 2],
    ['d', 'number', 0],
  ])
})

test('[RP-01] a published template with broken XML keeps its codes, says each unit once, and loses no section', () => {
  const { template } = readTemplate(OF_A_LIBRARY)
  expect(textOf(OF_A_LIBRARY, 'findings')).toBe(
    'Left ventricle\nDiameter: […] mm (normal, 36-56 mm)\nEjection fraction: […] %\nWall motion\nBase 0',
  )
  expect(fieldsOf(template).map(({ label, codes }) => [label, codes.map(({ value }) => value)])).toEqual([
    ['Diameter', ['RID13432']],
    ['Ejection fraction', ['8811-2']],
    ['', []],
  ])
})

test('[RP-01] a template of another language is sorted by its English headings, and nothing is chosen that nobody chose', () => {
  const { template } = readTemplate(OF_ANOTHER_LANGUAGE)
  expect(template.sections.map(({ key }) => key)).toEqual(['technique', 'findings', 'impression'])
  expect(textOf(OF_ANOTHER_LANGUAGE, 'technique')).toBe('Technik […]')
  expect(textOf(OF_ANOTHER_LANGUAGE, 'findings')).toBe('LCA […]\nohne Stent\nSonstiges keine')
  expect(fieldsOf(template)[2]).toMatchObject({ kind: 'choice', options: ['mit Stent', 'ohne Stent'] })
})

test('[RP-01] each mark of a template lies on its own words', () => {
  for (const source of [OF_AN_EDITOR, OF_A_LIBRARY, OF_ANOTHER_LANGUAGE]) {
    const { template } = readTemplate(source)
    for (const { key, parts } of template.sections) {
      const values = parts.flatMap((part) => ('field' in part ? [part.field.value || '[…]'] : []))
      const { text, marks } = templateText(
        { sections: template.sections.filter((one) => one.key === key) },
        key,
      )!
      const stretches = marks
        .filter(({ kind }) => kind === 'field')
        .map(({ from, to }) => text.slice(from, to))
      for (const value of values) expect(stretches).toContain(value)
    }
  }
})

test('[RP-01] scripts, images and pages that are no template are refused or left out, and never run', () => {
  const page = '<html><body><p>No template at all.</p></body></html>'
  expect(() => readTemplate(page)).toThrow(/no dcterms.identifier/)
  expect(() => readTemplate(`${head()}<body><p>words</p></body>`)).toThrow(/no section/)
  const hostile = `${head()}<body><section data-section-name="Findings"><script>alert(1)</script>
    <p onclick="alert(2)">Lungs <img src="x" onerror="alert(3)"> clear.</p></section></body>`
  const { template, leftOut } = readTemplate(hostile)
  expect(JSON.stringify(template)).not.toMatch(/alert|onerror/)
  expect(leftOut).toEqual(['<img>'])
  expect(templateText(template, 'findings')?.text).toBe('Lungs clear.')
})
