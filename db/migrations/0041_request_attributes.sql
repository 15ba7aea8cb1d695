-- A series is found by the numbers of the requests that its images name, however many series there are.
create index series_requests on series using gin ((attributes->'00400275'->'Value') jsonb_path_ops);
