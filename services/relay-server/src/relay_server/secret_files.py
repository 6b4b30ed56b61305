"""Settings from files, as containers are given secrets: text in UTF-8, whatever an editor put before it."""

from typing import Any, Final, cast

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SecretsSettingsSource

_BYTE_ORDER_MARK: Final = "\ufeff"


class FileSettings(BaseSettings):
    """Settings that files set after the environment; a file that can't be read is an error that names it."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - Pydantic gives it
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read the files in our way."""
        files = cast("SecretsSettingsSource", file_secret_settings)
        return init_settings, env_settings, _Files(settings_cls, files.secrets_dir)


class _Files(SecretsSettingsSource):
    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Return what a file says.

        Raises:
            ValueError: it can't be read as UTF-8; ``str()`` is one sentence.

        """
        name = f"{self.env_prefix}{field_name}".lower()
        try:
            value, key, is_complex = super().get_field_value(field, field_name)
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "no UTF-8"
            advice = "save it as UTF-8 text that the relay's user may read"
            raise ValueError(f"The file {name} can't be read ({why}): {advice}.") from None
        return value.removeprefix(_BYTE_ORDER_MARK) if value else value, key, is_complex
