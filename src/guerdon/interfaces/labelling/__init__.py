"""Labelling: rows, people, a page in their browser → labels that are not lost, what annotators agree on, and rows in the common columns.

reading     a row's columns → what was asked and what was answered
kinds       what is asked of a person about a row; a file for each, with the script of its page beside it
orders      which rows come first; a file for each
blind       in which order answers are shown to whom
store       entries in SQLite, only ever added to; what was acknowledged is there after kill -9
ledger      entries → the labels that stand
assigning   who is asked what next: leases, gold questions, rows on which labels differ
session     these, behind one lock
agreement   the labels that stand → alpha, figures of each annotator, where they differ
exporting   the labels that stand → rows
app, page   what the browser gets
"""
