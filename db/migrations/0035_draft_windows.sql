-- Of one reader's two windows on one tenure: which of them wrote the draft as it stands. Null: words that no window wrote.
alter table report_drafts add column written_in text;
