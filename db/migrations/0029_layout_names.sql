-- Layouts that came as a DICOM Hanging Protocol keep what they are called (PS3.3 section C.23.1).

alter table hanging_layouts
  add column name text not null default '',
  add column description text not null default '';
