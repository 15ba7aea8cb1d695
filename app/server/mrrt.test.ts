import { expect, test } from 'vitest'
import { fieldsOf, templateText } from '#domain/report-template.ts'
import { decodeTemplate, readTemplate } from './mrrt.ts'

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
    ['c', 'choices', 2],
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
  expect(fieldsOf(template).map(({ label, coding }) => [label, coding?.codes])).toEqual([
    ['Diameter', [{ scheme: 'RADLEX', value: 'RID13432', meaning: 'diameter' }]],
    ['Ejection fraction', [{ scheme: 'LN', value: '8811-2', meaning: 'Ejection fraction' }]],
    ['0–3', undefined],
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
  expect(leftOut).toEqual(['<img>', '<script>'])
  expect(templateText(template, 'findings')?.text).toBe('Lungs clear.')
})

const page = (body: string, attributes = '') =>
  `${head(attributes && `<script type="text/xml">${attributes}</script>`)}<body>${body}</body></html>`
const findings = (body: string) =>
  `<section data-section-name="Findings"><header>Findings</header>${body}</section>`
const entry = (id: string, ...codes: [scheme: string, value: string, meaning: string][]) =>
  `<entry origtxt='${id}'>${codes
    .map(
      ([scheme, value, meaning]) =>
        `<term><code meaning="${meaning}" value="${value}" scheme="${scheme}"></code></term>`,
    )
    .join('')}</entry>`
const fieldsIn = (source: string) => fieldsOf(readTemplate(source).template)

test('[RP-01] every kind of field is what it is: words, lists of suggestions, numbers, dates, times, one of several, several', () => {
  const kinds = fieldsIn(
    page(
      findings(`<p><input type="text" id="a" value="Normal."></p><p><input list="b_L" id="b"><datalist id="b_L"><option>One</option></datalist></p>
        <p><input type="number" id="c" value="-1.5"></p><p><input type="date" id="d" value="2026-11-22"></p>
        <p><input type="time" id="e" value="19:47"></p><p><textarea id="f">Two\nlines</textarea></p>
        <p><select id="g"><option>x</option><option selected>y</option></select></p>
        <p><select id="h" multiple><option selected>x</option><option>y</option><option selected>z</option></select></p>
        <p><input type="radio" name="i" value="left"><input type="radio" name="i" value="right" checked></p>
        <p><input type="checkbox" id="j" value="Contrast given." checked></p>`),
    ),
  )
  expect(kinds.map(({ kind, value, options }) => [kind, value, options.length])).toEqual([
    ['text', 'Normal.', 0],
    ['text', '', 1],
    ['number', '-1.5', 0],
    ['date', '2026-11-22', 0],
    ['text', '19:47', 0],
    ['text', 'Two\nlines', 0],
    ['choice', 'y', 2],
    ['choices', 'x, z', 3],
    ['choice', 'right', 2],
    ['choices', 'Contrast given.', 1],
  ])
})

test('[RP-01] a number says its unit behind it and its range with its name; of two chosen for one, the last is', () => {
  const source = page(
    findings(`<p><label for="w">Wall motion:</label> <input type="number" id="w" min="0" max="3" step="1" value="0"></p>
      <p><label for="v">Volume</label> <input type="number" id="v" min="1" data-field-units=" mL "></p>
      <p><label>Side <select name="side"><option selected>left</option><option selected>right</option></select></label></p>`),
  )
  expect(fieldsIn(source).map(({ label, value }) => [label, value])).toEqual([
    ['Wall motion · 0–3', '0'],
    ['Volume · ≥ 1', ''],
    ['Side', 'right'],
  ])
  expect(textOf(source, 'findings')).toBe('Wall motion: 0\nVolume […] mL\nSide right')
})

test('[RP-01] what a field and each of its answers mean is kept, from RadLex, LOINC, SNOMED CT, RadElement and any other', () => {
  const attributes = `<template_attributes><coding_schemes><coding_scheme name="RL" designator="2.16.840.1.113883.6.256"/>
    <entry ORIGTXT="empty"/></coding_schemes><coded_content>
    ${entry('liver', ['RL', 'http://radlex.org/RID/RID58', 'liver'], ['SNOMEDCT', '10200004', 'Liver &amp; bile'])}
    ${entry('grade', ['LOINC', '8811-2', ''])}${entry('grade_1', ['RADLEX', 'RID5671', 'mild'])}
    ${entry('box', ['OurOwn', 'X1', 'a thing of ours'])}${entry('box_0', ['RadLex', 'RID28454', 'none'])}
    </coded_content></template_attributes>`
  const [liver, grade, boxes, appendix] = fieldsIn(
    page(
      findings(`<p><label for="liver">Liver:</label><input id="liver" value="Normal."></p>
        <p><select id="grade"><option id="grade_0">normal</option><option id="grade_1">mild</option></select></p>
        <p><label for="box">Fluid:</label><span id="box"><input type="radio" id="box_0" name="box" value="none"><input type="radio" name="box" value="some"></span></p>
        <p title="https://www.radelement.org/element/RDE196"><label for="d">Diameter</label><input type="text" id="d"></p>`),
      attributes,
    ),
  )
  expect(liver?.coding?.codes).toEqual([
    { scheme: 'RADLEX', value: 'RID58', meaning: 'liver' },
    { scheme: 'SCT', value: '10200004', meaning: 'Liver & bile' },
  ])
  expect(grade?.coding).toEqual({
    codes: [{ scheme: 'LN', value: '8811-2', meaning: '8811-2' }],
    options: { mild: { scheme: 'RADLEX', value: 'RID5671', meaning: 'mild' } },
  })
  expect(boxes).toMatchObject({
    label: 'Fluid',
    coding: { codes: [{ scheme: '99OurOwn', value: 'X1' }], options: { none: { value: 'RID28454' } } },
  })
  expect(appendix?.coding?.codes).toEqual([{ scheme: 'RADELEMENT', value: 'RDE196', meaning: 'Diameter' }])
})

test('[RP-01] codes that no draft can carry are not brought, and an entry of nothing takes no code of the next', () => {
  const many = Array.from({ length: 20 }, (_, n): [string, string, string] => ['RADLEX', `RID${n}`, 'a term'])
  const attributes = `<template_attributes><coded_content>
    <entry><term><code meaning="of nothing" value="RID0" scheme="RadLex"></term></entry>
    <entry><term><code meaning="never closed" value="RID0" scheme="RadLex"></term>
    ${entry('long', ['RADLEX', 'R'.repeat(129), 'too long'], ['RADLEX', 'R'.repeat(128), 'm'.repeat(300)])}
    ${entry('scheme', ['A scheme of many letters', 'X1', 'ours'])}${entry('many', ...many)}
    </coded_content></template_attributes>`
  const text = (id: string) => `<p><label for="${id}">${id}</label><input type="text" id="${id}"></p>`
  const fields = fieldsIn(page(findings(['long', 'scheme', 'many'].map(text).join('')), attributes))
  const [long, scheme, all] = fields.map((field) => field.coding?.codes)
  expect(long).toEqual([{ scheme: 'RADLEX', value: 'R'.repeat(128), meaning: 'm'.repeat(256) }])
  expect(scheme).toEqual([{ scheme: '99A scheme of ma', value: 'X1', meaning: 'ours' }])
  expect(all?.map(({ value }) => value)).toEqual(many.slice(0, 16).map(([, value]) => value))
})

test('[RP-01] what a report has no place for is named: words beside the sections, programs, pages within, values from elsewhere', () => {
  const source = page(
    `<p>To be filled in by the department of neuroradiology, and handed to the tumour board.</p><input id="x">
     ${findings('<p>Lungs <embed src="part.html"> clear <input type="color"> <input id="n" data-field-merge-flag="true" value="1"></p>')}
     <script>compute()</script>`,
    '<template_attributes><status>RETIRED</status><top-level-flag>false</top-level-flag></template_attributes>',
  )
  expect(readTemplate(source).leftOut).toEqual([
    'status: RETIRED',
    'top-level-flag: false',
    '<embed>',
    '<input type="color">',
    'data-field-merge-flag',
    'To be filled in by the department of neuroradiology, and ha…',
    '<input>',
    '<script>',
  ])
})

test('[RP-01] pages that no browser would refuse are read: nothing closed, tags in capitals, sections in tables, an XML script within its like', () => {
  const source = `<META NAME="DCTERMS.IDENTIFIER" CONTENT="9.9"><script type="text/xml">
    <script type="text/xml"><!-- <entry ORIGTXT="l"><term><code meaning="liver" value='RID58' scheme="RadLex"></term></entry> --></script>
    <SECTION data-section-name="FINDINGS:"><HEADER class=level1>FINDINGS:</HEADER><table><tr><td>
    <section data-section-name="Liver"><header>Liver</header><p>Size <input type=number id=l>cm<p>No lesion
    </section><tr><td>Spleen normal</table>`
  const { template } = readTemplate(source)
  expect(template).toMatchObject({ identifier: '9.9', title: '9.9' })
  expect(textOf(source, 'findings')).toBe('Liver\nSize […] cm\nNo lesion\nSpleen normal')
  expect(fieldsOf(template)[0]?.coding?.codes).toEqual([
    { scheme: 'RADLEX', value: 'RID58', meaning: 'liver' },
  ])
})

test('[RP-01] a file is read as it says that it is written, and as UTF-8 or as browsers read it when it says nothing', () => {
  const html = (charset: string) => `<meta charset="${charset}"><p>Röntgen</p>`
  const latin = Uint8Array.from(html('iso-8859-1'), (one) => one.charCodeAt(0))
  expect(decodeTemplate(latin)).toContain('Röntgen')
  expect(decodeTemplate(new TextEncoder().encode('<p>Röntgen</p>'))).toContain('Röntgen')
  expect(decodeTemplate(Uint8Array.from('<p>Röntgen</p>', (one) => one.charCodeAt(0)))).toContain('Röntgen')
  expect(decodeTemplate(new TextEncoder().encode(html('klingon')))).toContain('charset="klingon"')
})
