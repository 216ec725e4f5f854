"""Raw exports of a school or a programme, turned into letters and pages that people act on."""
