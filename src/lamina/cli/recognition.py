"""What a table of rows has in its columns: values, a text, or the path of a file."""

from lamina.cli.files import FileColumnSource, file_column
from lamina.cli.samples import Samples, Source
from lamina.cli.tables import FileTable, read_table
from lamina.cli.tabular import TableSource, TextColumnSource


def read_new(source: Source, path: str, encoding: str) -> tuple[Source, Samples]:
    """The samples of a new fit, and what they were recognised as."""
    if type(source) is not TableSource:
        return source, source.read(path, encoding)
    table = read_table(path, encoding)
    source = _recognised(source, table)
    return source, source.samples(table, path)


def _recognised(source: TableSource, table: FileTable) -> TableSource:
    """A column of paths decides; else the only input, if most of its values are texts."""
    unused = (source.target, *source.ignored)
    if column := file_column(table.frame, unused):
        file, media = column
        return FileColumnSource(**vars(source), file=file, media=media)
    inputs = [name for name in table.frame.columns if name not in unused]
    if len(inputs) != 1:
        return source
    values = table.frame[inputs[0]].to_list()
    texts = {value for value in values if isinstance(value, str)}
    if 2 * len(texts) <= len(values):
        return source
    return TextColumnSource(**vars(source), text=inputs[0])
