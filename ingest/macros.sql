-- What the checks of ingest/envelope.sql are made of. Each is true only where ingest/strict.py would agree.
CREATE OR REPLACE TEMP MACRO is_plain_line(line) AS
    strlen(line) <= 1048576 AND NOT regexp_matches(line, ',\s*[\]}]') AND NOT regexp_matches(line, '\\u(?:0000|[dD][89a-fA-F])');
CREATE OR REPLACE TEMP MACRO utc_us(moment) AS epoch_us(try_cast(upper(moment) AS TIMESTAMPTZ));
CREATE OR REPLACE TEMP MACRO is_time(moment) AS
    regexp_full_match(moment, '[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt](?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,9})?'
        || '(?:[Zz]|[+-](?:0[0-9]|1[0-4]):[0-5][0-9])')
    AND NOT starts_with(moment, '0000') AND utc_us(moment) IS NOT NULL;
CREATE OR REPLACE TEMP MACRO is_short(list, path) AS
    NOT contains(list, '""') AND CASE WHEN strlen(list) <= 200 THEN true
        ELSE list_max(list_transform(json_extract_string(list, path), lambda word: length(word))) <= 200 END;
CREATE OR REPLACE TEMP MACRO is_identifiers(list) AS
    list_has_all(['VARCHAR'], json_type(list, '$[*]')) AND is_short(list, '$[*]');
CREATE OR REPLACE TEMP MACRO is_refs(list) AS CASE
    WHEN regexp_full_match(list, '\[(?:\{"role": *"[^"\\]+", *"kind": *"[^"\\]+", *"id": *"[^"\\]+"\},? *)+\]')
        THEN is_short(list, '$[*].*')
    ELSE list_has_all(['VARCHAR'], json_type(list, '$[*].*')) AND len(json_type(list, '$[*].*')) = 3 * json_array_length(list)
        AND len(json_type(list, '$[*].role')) = json_array_length(list) AND len(json_type(list, '$[*].kind')) = json_array_length(list)
        AND len(json_type(list, '$[*].id')) = json_array_length(list) AND is_short(list, '$[*].*') END;
CREATE OR REPLACE TEMP MACRO is_inputs(list) AS
    list_has_all(['cache', 'store', 'lease', 'config', 'peer', 'clock', 'rng'], json_extract_string(list, '$[*].source'))
    AND len(json_type(list, '$[*].source')) = json_array_length(list)
    AND list_has_all(['VARCHAR'], json_type(list, '$[*].kind')) AND len(json_type(list, '$[*].kind')) = json_array_length(list)
    AND list_has_all(['VARCHAR'], json_type(list, '$[*].id')) AND len(json_type(list, '$[*].id')) = json_array_length(list)
    AND list_has_all(['UBIGINT', 'BIGINT', 'NULL'], json_type(list, '$[*].version'))
    AND list_has_all(['UBIGINT', 'BIGINT', 'NULL'], json_type(list, '$[*].age_ms'))
    AND list_has_all(['VARCHAR', 'NULL'], json_type(list, '$[*].digest'))
    AND len(json_type(list, '$[*].*')) = 3 * json_array_length(list) + len(json_type(list, '$[*].version'))
        + len(json_type(list, '$[*].age_ms')) + len(json_type(list, '$[*].digest'))
    AND is_short(list, '$[*].*');
CREATE OR REPLACE TEMP MACRO has_unique_keys_inside(object) AS CASE
    WHEN strlen(object) - strlen(replace(replace(object, '{', ''), '[', '')) > 60 THEN false
    ELSE len(list_filter(json_keys(object, '$..*'), lambda names: len(list_distinct(names)) <> len(names))) = 0 END;
CREATE OR REPLACE TEMP MACRO has_plain_numbers(object) AS
    NOT regexp_matches(object, '[:,\[]\s*-?(?:[nN][aA]|[iI]|[0-9]{19}|[0-9][0-9.]*[eE]\+?[0-9]{3})');
-- A value of OTLP as plain JSON, and its list of keys and values as an object; of two equal keys the first counts.
CREATE OR REPLACE TEMP MACRO otlp_value(held) AS coalesce(
    json_extract(held, '$.stringValue'), to_json(try_cast(json_extract_string(held, '$.intValue') AS BIGINT)),
    json_extract(held, '$.boolValue'), json_extract(held, '$.doubleValue'), json_extract(held, '$.arrayValue.values'),
    json_extract(held, '$.kvlistValue.values'),
    json_extract(held, '$.bytesValue'));
CREATE OR REPLACE TEMP MACRO otlp_object(held) AS to_json(map_from_entries(list_filter(
    list_transform(held, lambda item: {'key': json_extract_string(item, '$.key'), 'value': otlp_value(json_extract(item, '$.value'))}),
    lambda item, place: item.key IS NOT NULL
        AND list_position(list_transform(held, lambda other: json_extract_string(other, '$.key')), item.key) = place)));
